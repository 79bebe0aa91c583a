/**
 * Domain → value: exact, then `*suffix` (longest first), then `prefix*` (longest first), then `*`. ASCII case does not
 * matter, the port is part of the host, and a wildcard stands for at least one character.
 */
import { PrefixTree, type PrefixVisitor } from './prefix-tree.ts';
import { lowerAscii, wireText } from './text.ts';

/** Finds what belongs to the host of a request. */
export class DomainTable<T extends object> {
  private readonly exact = new Map<string, T>();
  private readonly suffixes = new PrefixTree<T>({ reversed: true });
  private readonly prefixes = new PrefixTree<T>();
  private readonly longest = new LongestPartial<T>();
  private hasSuffixes = false;
  private hasPrefixes = false;
  private any: T | undefined;

  /** @throws TypeError in Envoy's words when the domain is already there. */
  add(written: string, value: T): void {
    const domain = lowerAscii(wireText(written));
    if (this.insert(domain, value) !== value) throw new TypeError(`duplicate domain ${written}`);
  }

  find(authority: string): T | undefined {
    const host = lowerAscii(authority);
    const exact = this.exact.get(host);
    if (exact !== undefined) return exact;
    if (this.hasSuffixes) {
      const found = this.longest.of(this.suffixes, host);
      if (found !== undefined) return found;
    }
    if (this.hasPrefixes) {
      const found = this.longest.of(this.prefixes, host);
      if (found !== undefined) return found;
    }
    return this.any;
  }

  /** The value that now belongs to the domain: the first one given. */
  private insert(domain: string, value: T): T {
    if (domain === '*') return (this.any ??= value);
    if (domain.startsWith('*')) {
      this.hasSuffixes = true;
      return this.suffixes.ensure(domain.slice(1), () => value);
    }
    if (domain.endsWith('*')) {
      this.hasPrefixes = true;
      return this.prefixes.ensure(domain.slice(0, -1), () => value);
    }
    const known = this.exact.get(domain) ?? value;
    this.exact.set(domain, known);
    return known;
  }
}

/** Remembers the longest key of a walk that is shorter than the text. */
class LongestPartial<T> implements PrefixVisitor<T> {
  private limit = 0;
  private found: T | undefined;

  of(tree: PrefixTree<T>, text: string): T | undefined {
    this.limit = text.length;
    this.found = undefined;
    tree.walk(text, text.length, this);
    return this.found;
  }

  visit(value: T, length: number): void {
    if (length < this.limit) this.found = value;
  }
}
