/** Where runtime values come from: maps in the configuration, and trees of small files. */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { mapEntry, type RuntimeEntry, textEntry, valueEntry } from './runtime-entry.ts';

/** Values of one layer by key. */
export type LayerValues = ReadonlyMap<string, RuntimeEntry>;

/** A value that no layer can hold. */
export class BadRuntimeValue extends TypeError {
  /** The keys of the maps that lead to it. */
  readonly path: readonly string[];

  constructor(path: readonly string[]) {
    super(`Invalid runtime entry value for ${path.join('.')}`);
    this.path = path;
  }
}

/**
 * The values of a static layer: nested maps become dotted keys, except those that are fractions.
 * @throws BadRuntimeValue for null and lists.
 */
export function staticValues(layer: Readonly<Record<string, unknown>>): LayerValues {
  const values = new Map<string, RuntimeEntry>();
  for (const [key, value] of Object.entries(layer)) flatten([key], value, values);
  return values;
}

function flatten(path: readonly string[], value: unknown, values: Map<string, RuntimeEntry>): void {
  const key = path.join('.');
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    values.set(key, valueEntry(value));
  } else if (!isMap(value)) {
    throw new BadRuntimeValue(path);
  } else if (Object.keys(value).length === 0 || 'numerator' in value || 'denominator' in value) {
    values.set(key, mapEntry(value));
  } else {
    for (const [name, part] of Object.entries(value)) flatten([...path, name], part, values);
  }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Deepest directory below a disk layer, the layer itself being the first. */
const MAX_DEPTH = 16;
/** A runtime value is a word or two. */
const MAX_FILE_BYTES = 65_536;
const MAX_FILES = 10_000;

/** Where a disk layer is: whether there is anything may change from one moment to the next. */
export function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * The values of a disk layer: each file is one, its path below `directory` the key with `.` for `/`.
 * @throws Error when something cannot be read, is too deep, too large or too much.
 */
export function diskValues(directory: string): LayerValues {
  const values = new Map<string, RuntimeEntry>();
  walk(directory, '', 1, values);
  return values;
}

function walk(directory: string, prefix: string, depth: number, values: Map<string, RuntimeEntry>): void {
  if (depth > MAX_DEPTH) throw new Error(`Walk recursion depth exceeded ${MAX_DEPTH}`);
  // Reading a device or a process could block.
  if (/^\/(dev|proc|sys)(\/|$)/.test(realpathSync(directory))) throw new Error(`Invalid path: ${directory}`);
  for (const name of readdirSync(directory).sort()) {
    const path = `${directory}/${name}`;
    const stat = statSync(path);
    if (stat.isDirectory()) walk(path, `${prefix}${name}.`, depth + 1, values);
    if (!stat.isFile()) continue;
    if (stat.size > MAX_FILE_BYTES) throw new Error(`${path} is larger than ${MAX_FILE_BYTES} bytes`);
    if (values.size >= MAX_FILES) throw new Error(`more than ${MAX_FILES} files`);
    values.set(prefix + name, textEntry(withoutComments(readFileSync(path, 'utf8'))));
  }
}

/** Lines that begin with `#` and empty lines do not count; what is left ends without white space. */
function withoutComments(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.join('\n').trimEnd();
}
