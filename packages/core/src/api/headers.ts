/** What filters see of a message head: an ordered, case-insensitive, multi-value field list. */

/**
 * Header fields in wire order. Names are lower case on reading; a name given to a method may have any case.
 * Repeated fields stay separate (`Set-Cookie` is never joined or lost).
 */
export interface Headers {
  /** How many field lines there are. */
  readonly size: number;
  /** The first value of `name`, or `undefined`. */
  get(name: string): string | undefined;
  /** Every value of `name` in order; an empty array when there is none. */
  getAll(name: string): string[];
  has(name: string): boolean;
  /** Whether a name begins with `prefix`, which is lower case: cheaper than asking for many names. */
  hasPrefix(prefix: string): boolean;
  /** Replaces every line of `name` by one. @throws TypeError when name or value is not a legal field (RFC 9110 5.1, 5.5). */
  set(name: string, value: string): void;
  /** Adds one more line. @throws TypeError as `set`. */
  append(name: string, value: string): void;
  /** Removes every line of `name`; true when there was one. */
  remove(name: string): boolean;
  /** Calls `visit` for each line in order. */
  forEach(visit: (name: string, value: string) => void): void;
  /** `[name, value]` pairs in order. */
  entries(): IterableIterator<[string, string]>;
}

/** A request head. `host` and `:authority` both mean `authority`. */
export interface RequestHeaders extends Headers {
  method: string;
  /** Path and query, as it will be sent upstream. */
  path: string;
  /** The Host field (RFC 9112 3.2) or `:authority`. */
  authority: string;
  scheme: 'http' | 'https';
}

/** A response head. */
export interface ResponseHeaders extends Headers {
  status: number;
}
