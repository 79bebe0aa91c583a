/** Field masks (`a.b,c`), as far as protobuf's utilities take them: through messages, not through lists, maps or `Any`. */
import type { Json, JsonObject } from './context.ts';

/** What a mask has to know of a field: it has fields of its own, it has none that a mask could name, or nobody knows. */
export type FieldShape = MessageShape | 'leaf' | 'unknown';

/** The fields of a message by their proto names. */
export type MessageShape = (field: string) => FieldShape | undefined;

/** A mask, as its paths. */
export type FieldMask = readonly string[];

/** Paths below one field; a leaf is a path's end. */
type MaskTree = Map<string, MaskTree>;

/** The paths of a mask; empty ones do not count. */
export function parseFieldMask(text: string): FieldMask {
  return text.split(',').filter((path) => path !== '');
}

/** Whether every path of the mask names a field of the message. */
export function isMaskOf(mask: FieldMask, shape: MessageShape): boolean {
  return mask.every((path) => hasField(path, shape));
}

/** What is left of `message`; all of it when the mask has no paths. `@type` always stays. */
export function applyMask(mask: FieldMask, message: JsonObject): JsonObject {
  return mask.length === 0 ? message : trim(message, treeOf(mask));
}

/** A shape of fields that are listed, most of which have none of their own. */
export function shapeOf(fields: Readonly<Record<string, FieldShape>>): MessageShape {
  return (field) => (Object.hasOwn(fields, field) ? fields[field] : undefined);
}

function hasField(path: string, message: MessageShape): boolean {
  let shape: FieldShape | undefined = message;
  for (const name of path.split('.')) {
    if (shape === 'unknown') return true;
    if (typeof shape !== 'function') return false;
    shape = shape(name);
  }
  return shape !== undefined;
}

function treeOf(mask: FieldMask): MaskTree {
  const root: MaskTree = new Map();
  for (const path of mask) {
    let node = root;
    for (const name of path.split('.')) {
      const next = node.get(name) ?? new Map();
      node.set(name, next);
      node = next;
    }
    // Whatever else a mask says below this path, all of it stays.
    node.clear();
  }
  return root;
}

function trim(message: JsonObject, tree: MaskTree): JsonObject {
  const kept: [string, Json][] = [];
  for (const [key, value] of Object.entries(message)) {
    const below = tree.get(snakeCase(key));
    if (below !== undefined) kept.push([key, below.size > 0 && isObject(value) ? trim(value, below) : value]);
    else if (key === '@type') kept.push([key, value]);
  }
  return Object.fromEntries(kept);
}

/** Configs are printed as they were written, in either spelling; masks have one. */
function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Lists that are made while they are printed are iterables. */
function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !(Symbol.iterator in value);
}
