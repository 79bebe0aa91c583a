/** Reads YAML or JSON text into plain data that knows its positions; the only importer of `yaml`. */
import { readFileSync } from 'node:fs';
import {
  type Alias,
  Composer,
  CST,
  type Document,
  isAlias,
  isScalar,
  isSeq,
  isMap as isYamlMap,
  LineCounter,
  type Node,
  Parser,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import type { ConfigIssue, ConfigPath } from './issues.ts';
import { showValue } from './issues.ts';
import { jsonProblem } from './json-problem.ts';
import { isMap, type LineCol, type RawMap, rawMap, SourceMap } from './source-map.ts';

/** Collections nested deeper than this are refused before anything recursive touches them. */
const maxDepth = 100;
/** Uses of anchored collections, counted as they are expanded: a bomb multiplies here and is cut off. */
const maxAliasCount = 100;
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype']);

/** A configuration text as plain data. `data` is undefined when the text could not be read at all. */
export interface LoadedConfig {
  readonly file: string;
  readonly data: RawMap | undefined;
  readonly sources: SourceMap;
  /** Problems of the text itself; those of its meaning are found by `parseBootstrap`. */
  readonly issues: readonly ConfigIssue[];
  /** Where the value at `path` was written, or the nearest enclosing value that exists. */
  locate(path: ConfigPath): LineCol & { readonly file: string };
}

/** Reads a `.yaml`, `.yml` or `.json` file. A file that cannot be read is an issue, not an exception. */
export function loadConfigFile(path: string): LoadedConfig {
  try {
    return loadConfigText(readFileSync(path, 'utf8'), path);
  } catch (error) {
    const message = `cannot be read: ${(error as Error).message}`;
    return loaded(path, undefined, new SourceMap(path), [{ path: '', file: path, line: 0, col: 0, message }]);
  }
}

/**
 * Reads configuration text. The name decides the form: `*.json` must be strict JSON, all else is YAML 1.2 (of which
 * JSON is a part). Refused: syntax errors, duplicate keys, keys that reach prototypes, alias bombs, nesting over 100,
 * several documents, a root that is not a map.
 */
export function loadConfigText(text: string, fileName: string): LoadedConfig {
  const reader = new Reader(text, fileName);
  return loaded(fileName, reader.read(), reader.sources, reader.issues);
}

/** Wraps data and positions; used by the reader and by `mergeConfig`. */
export function loaded(
  file: string,
  data: RawMap | undefined,
  sources: SourceMap,
  issues: readonly ConfigIssue[],
): LoadedConfig {
  return {
    file,
    data,
    sources,
    issues,
    locate(path) {
      const { origin } = sources.locate(data, path);
      return { file: origin.file, ...origin.value };
    },
  };
}

class Reader {
  readonly issues: ConfigIssue[] = [];
  sources: SourceMap;
  private readonly lines = new LineCounter();
  private readonly text: string;
  private readonly file: string;
  private aliasCount = 0;
  private targets: ReadonlyMap<Alias, Node> = new Map();

  constructor(text: string, file: string) {
    this.text = text;
    this.file = file;
    this.sources = new SourceMap(file);
  }

  read(): RawMap | undefined {
    const tokens = [...new Parser(this.lines.addNewLine).parse(this.text)];
    const deep = tooDeep(tokens);
    if (deep !== undefined) {
      this.report(deep, `collections are nested more than ${maxDepth} levels deep`);
      return undefined;
    }
    if (this.file.endsWith('.json') && !this.isStrictJson()) return undefined;
    const doc = this.compose(tokens);
    return doc && this.root(doc);
  }

  private isStrictJson(): boolean {
    const problem = jsonProblem(this.text);
    if (problem !== undefined) this.report(problem.offset, `invalid JSON: ${problem.message}`);
    return problem === undefined;
  }

  private compose(tokens: CST.Token[]): Document.Parsed | undefined {
    // Uniqueness is checked while converting: the library's own check is quadratic in the size of a map.
    // Without known tags, those that mean something else than JSON (binary, omap, timestamp …) are errors.
    const composer = new Composer({
      version: '1.2',
      resolveKnownTags: false,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
    });
    const docs = [...composer.compose(tokens, true, this.text.length)];
    const [doc, second] = docs;
    if (second) this.report(second.range[0], 'only one YAML document is allowed in a file');
    if (docs.some(({ directives }) => directives.yaml.version !== '1.2')) this.report(0, 'only YAML 1.2 is read');
    for (const { pos, message } of docs.flatMap(({ errors, warnings }) => [...errors, ...warnings])) {
      this.report(pos[0], `invalid YAML: ${message}`);
    }
    return this.issues.length > 0 ? undefined : doc;
  }

  private root(doc: Document.Parsed): RawMap | undefined {
    this.targets = aliasTargets(doc);
    const at = doc.contents ? doc.contents.range[0] : 0;
    this.sources = new SourceMap(this.file, this.position(at));
    const data = this.convert(doc.contents, 0, []);
    if (isMap(data)) return data;
    this.report(at, `expected a map at the top of the file, got ${data === null ? 'nothing' : showValue(data)}`);
    return undefined;
  }

  private convert(node: Node | null, depth: number, path: ConfigPath): unknown {
    if (node === null) return null;
    if (isScalar(node)) return scalarValue(node);
    if (isAlias(node)) return this.expand(node, depth, path);
    if (depth >= maxDepth) {
      this.report(node, `collections are nested more than ${maxDepth} levels deep`, path);
      return null;
    }
    if (isYamlMap(node)) return this.convertMap(node, depth, path);
    if (!isSeq<Node>(node)) return null;
    const list: unknown[] = [];
    for (const [index, item] of node.items.entries()) {
      const place = this.position(offsetOf(item) ?? offsetOf(node) ?? 0);
      this.sources.set(list, index, { file: this.file, key: place, value: place, path: [...path, index] });
      list.push(this.convert(item, depth + 1, [...path, index]));
    }
    return list;
  }

  private convertMap(node: YAMLMap, depth: number, path: ConfigPath): RawMap {
    const map = rawMap();
    const merges: Node[] = [];
    for (const { key: keyNode, value } of node.items as { key: Node; value: Node | null }[]) {
      if (isMergeKey(keyNode) && value) {
        merges.push(value);
        continue;
      }
      const key = this.keyText(keyNode, map, path);
      if (key === undefined) continue;
      const place = this.position(offsetOf(keyNode) ?? 0);
      const valuePlace = value && isWritten(value) ? this.position(offsetOf(value) ?? 0) : place;
      this.sources.set(map, key, { file: this.file, key: place, value: valuePlace, path: [...path, key] });
      map[key] = this.convert(value, depth + 1, [...path, key]);
    }
    for (const merge of merges) this.mergeInto(map, merge, depth, path);
    return map;
  }

  private keyText(node: Node, map: RawMap, path: ConfigPath): string | undefined {
    const target = isAlias(node) ? this.targets.get(node) : node;
    const value = isScalar(target) ? target.value : undefined;
    if (!isScalar(target) || value === null || typeof value === 'object') {
      this.report(node, 'map keys must be plain text', path);
      return undefined;
    }
    const key = typeof value === 'string' ? value : (target.source ?? String(value));
    if (forbiddenKeys.has(key)) {
      this.report(node, `the key "${key}" is not allowed`, [...path, key]);
      return undefined;
    }
    if (!Object.hasOwn(map, key)) return key;
    this.report(node, `the key "${key}" is given twice`, [...path, key]);
    return undefined;
  }

  /** YAML's `<<`: keys of the map itself win, then those of the earlier merged map. */
  private mergeInto(map: RawMap, node: Node, depth: number, path: ConfigPath): void {
    if (isSeq<Node>(node)) {
      for (const item of node.items) this.mergeInto(map, item, depth + 1, path);
      return;
    }
    const from = this.convert(node, depth, path);
    if (!isMap(from)) {
      this.report(node, 'a merge key (<<) needs a map or a list of maps', path);
      return;
    }
    for (const key of Object.keys(from)) {
      if (Object.hasOwn(map, key)) continue;
      map[key] = from[key];
      this.sources.copy(this.sources, from, key, map, key);
    }
  }

  /** A fresh copy per use, so that every place in the tree is a node of its own. */
  private expand(alias: Alias, depth: number, path: ConfigPath): unknown {
    const target = this.targets.get(alias);
    if (target === undefined) this.report(alias, `there is no anchor "&${alias.source}" before this alias`, path);
    if (target === undefined || isScalar(target)) return target ? scalarValue(target) : null;
    this.aliasCount++;
    if (this.aliasCount <= maxAliasCount) return this.convert(target, depth, path);
    if (this.aliasCount === maxAliasCount + 1) {
      this.report(alias, `more than ${maxAliasCount} uses of anchored maps or lists`, path);
    }
    return null;
  }

  private position(offset: number): LineCol {
    return this.lines.linePos(offset);
  }

  private report(at: Node | number, message: string, path: ConfigPath = []): void {
    const { line, col } = this.position(typeof at === 'number' ? at : (offsetOf(at) ?? 0));
    const root = new SourceMap(this.file, { line, col });
    this.issues.push(root.toIssue(undefined, { path, message }));
  }
}

/** What each alias stands for, in one pass: the library's own lookup walks the whole document for every alias. */
function aliasTargets(doc: Document.Parsed): Map<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(doc, {
    Node(_, node) {
      const target = isAlias(node) ? anchors.get(node.source) : undefined;
      if (isAlias(node) && target) targets.set(node, target);
      if (!isAlias(node) && node.anchor) anchors.set(node.anchor, node);
    },
  });
  return targets;
}

function offsetOf(node: Node): number | undefined {
  return node.range?.[0];
}

/** False for the empty value of `key:`, whose own position would be that of the next token. */
function isWritten(node: Node): boolean {
  return !isScalar(node) || node.value !== null || node.source !== '';
}

function isMergeKey(node: Node): boolean {
  return isScalar(node) && node.value === '<<' && node.type === 'PLAIN';
}

/** Integers beyond 2^53 stay text, so that uint64 values keep all digits. */
function scalarValue({ value, source }: Scalar): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  return source !== undefined && /^[-+]?\d+$/.test(source) ? source : value;
}

/** The offset of the first collection beyond the limit; iterative, because the input may be hostile. */
function tooDeep(tokens: readonly CST.Token[]): number | undefined {
  const pending = tokens.map((token) => ({ token: token.type === 'document' ? token.value : token, depth: 0 }));
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { token, depth } = next;
    if (!token || !CST.isCollection(token)) continue;
    if (depth >= maxDepth) return token.offset;
    for (const { key, value } of token.items) {
      if (key) pending.push({ token: key, depth: depth + 1 });
      if (value) pending.push({ token: value, depth: depth + 1 });
    }
  }
  return undefined;
}
