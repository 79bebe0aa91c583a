/**
 * A radix tree over text. One walk finds every stored key that the text begins (or, reversed, ends) with.
 *
 *     keys /a, /api, /app            "/a"•
 *     walk("/apple") visits          /   \
 *     /a (2), /app (4)            "p"     …      • holds a value
 *                                 /  \
 *                              "i"•  "p"•
 *
 * Hot path: a step compares one label; nothing is allocated. Benchmark: benchmarks/micro/route-table.bench.mjs.
 */
import { foldCode } from './text.ts';

/** Told about every key that fits, shortest first. */
export interface PrefixVisitor<T> {
  /** `length` is the length of the key. */
  visit(value: T, length: number): void;
}

/** How a tree reads text. */
export interface PrefixTreeOptions {
  /** Regardless of ASCII case. Keys must be lower case. */
  readonly fold?: boolean;
  /** From the end: keys are suffixes. */
  readonly reversed?: boolean;
}

class Node<T> {
  label: string;
  value: T | undefined = undefined;
  /** By the first code of the child's label. */
  children: Map<number, Node<T>> | undefined = undefined;

  constructor(label: string) {
    this.label = label;
  }
}

/** Keys and their values. Filled at config time, walked per request. */
export class PrefixTree<T> {
  private readonly fold: boolean;
  private readonly reversed: boolean;
  private readonly root = new Node<T>('');

  constructor({ fold = false, reversed = false }: PrefixTreeOptions = {}) {
    this.fold = fold;
    this.reversed = reversed;
  }

  /** The value of `key`, made by `create` when the key is new. */
  ensure(key: string, create: () => T): T {
    const node = this.nodeFor(this.reversed ? [...key].reverse().join('') : key);
    node.value ??= create();
    return node.value;
  }

  /** Walks `text` up to `end` (for a reversed tree: the whole text from its end). */
  walk(text: string, end: number, visitor: PrefixVisitor<T>): void {
    let node = this.root;
    let depth = 0;
    for (;;) {
      if (node.value !== undefined) visitor.visit(node.value, depth);
      if (depth === end || node.children === undefined) return;
      const child = node.children.get(this.codeAt(text, depth));
      if (child === undefined || !this.fits(child.label, text, depth, end)) return;
      node = child;
      depth += child.label.length;
    }
  }

  private codeAt(text: string, depth: number): number {
    const code = text.charCodeAt(this.reversed ? text.length - 1 - depth : depth);
    return this.fold ? foldCode(code) : code;
  }

  /** The first code of a label has been compared by the lookup. */
  private fits(label: string, text: string, depth: number, end: number): boolean {
    if (label.length > end - depth) return false;
    for (let i = 1; i < label.length; i++) if (label.charCodeAt(i) !== this.codeAt(text, depth + i)) return false;
    return true;
  }

  private nodeFor(key: string): Node<T> {
    let node = this.root;
    let rest = key;
    while (rest !== '') {
      const children: Map<number, Node<T>> = (node.children ??= new Map());
      const child = children.get(rest.charCodeAt(0));
      if (child === undefined) {
        const leaf = new Node<T>(rest);
        children.set(rest.charCodeAt(0), leaf);
        return leaf;
      }
      const shared = sharedLength(child.label, rest);
      if (shared < child.label.length) split(child, shared);
      node = child;
      rest = rest.slice(shared);
    }
    return node;
  }
}

function sharedLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}

/** Cuts the label of a node in two; what the node held moves to the lower half. */
function split<T>(node: Node<T>, at: number): void {
  const lower = new Node<T>(node.label.slice(at));
  lower.value = node.value;
  lower.children = node.children;
  node.label = node.label.slice(0, at);
  node.value = undefined;
  node.children = new Map([[lower.label.charCodeAt(0), lower]]);
}
