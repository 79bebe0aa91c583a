/** What is wrong with a configuration, where it stands in the file, and how it is told to the user. */

/** Steps from the root of a document: map keys and list indexes. */
export type ConfigPath = readonly (string | number)[];

/** One problem in a configuration. Lines and columns count from 1; both are 0 when there is no source text. */
export interface ConfigIssue {
  /** Where in the tree, for example `static_resources.clusters[0].lb_policy`. */
  readonly path: string;
  readonly file: string;
  readonly line: number;
  readonly col: number;
  readonly message: string;
  /** What would have been accepted, when it can be told in a few words. */
  readonly expected?: string;
  /** What was found instead, shortened. */
  readonly received?: string;
  /** A suggestion, for example the nearest known name. */
  readonly hint?: string;
}

/** A problem before it is tied to a file: `at: 'key'` points at the key of the last step, not at its value. */
export interface SchemaIssue {
  readonly path: ConfigPath;
  readonly message: string;
  readonly at?: 'key' | 'value';
  readonly expected?: string;
  readonly received?: string;
  readonly hint?: string;
}

/** Thrown when a configuration is refused; carries every problem found, in file order. */
export class ConfigError extends Error {
  readonly code = 'CONFIG_INVALID';
  readonly issues: readonly ConfigIssue[];

  constructor(issues: readonly ConfigIssue[]) {
    super(formatIssues(issues));
    this.name = 'ConfigError';
    this.issues = issues;
  }
}

/** One line per problem: `front.yaml:12:9 static_resources.clusters[0].lb_policy: expected … (did you mean …?)`. */
export function formatIssues(issues: readonly ConfigIssue[]): string {
  return issues.map(formatIssue).join('\n');
}

function formatIssue({ file, line, col, path, message, hint }: ConfigIssue): string {
  const place = line > 0 ? `${file}:${line}:${col}` : file;
  return `${place} ${path ? `${path}: ` : ''}${message}${hint ? ` (${hint})` : ''}`;
}

/** Sorts by file, then by place in it, and drops exact repetitions. */
export function sortIssues(issues: readonly ConfigIssue[]): ConfigIssue[] {
  const files = [...new Set(issues.map((issue) => issue.file))];
  const seen = new Set<string>();
  return [...issues]
    .sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.col - b.col)
    .filter((issue) => {
      const text = formatIssue(issue);
      return !seen.has(text) && seen.add(text);
    });
}

/** `['clusters', 0, 'name']` → `clusters[0].name`; keys that are not plain names are quoted. */
export function formatPath(path: ConfigPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (!/^[\w@-]+$/.test(step)) text += `[${JSON.stringify(step)}]`;
    else text += text ? `.${step}` : step;
  }
  return text;
}

/** A value in a few characters, for "got …". */
export function showValue(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value !== null && typeof value === 'object') return 'a map';
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > 40 ? `${value.slice(0, 37)}...` : value);
}

/** "did you mean …?" when a candidate is near enough to `name` to be a likely slip. */
export function didYouMean(name: string, candidates: Iterable<string>): string | undefined {
  const found = nearest(name, candidates);
  return found === undefined ? undefined : `did you mean "${found}"?`;
}

/**
 * The candidate with the least edit distance to `name`, ignoring case; undefined when all are further away than
 * a third of the name's length.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.ceil(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein distance, or `limit` as soon as it cannot be less. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let col = 1; col <= b.length; col++) {
      const swap = previous[col - 1]! + (a[row - 1] === b[col - 1] ? 0 : 1);
      current.push(Math.min(swap, previous[col]! + 1, current[col - 1]! + 1));
    }
    if (Math.min(...current) >= limit) return limit;
    previous = current;
  }
  return previous[b.length]!;
}
