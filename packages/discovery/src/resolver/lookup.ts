/** What a resolver is, whichever it is. */
import type { LookupFamily } from './family.ts';

/** One address of a name. */
export interface DnsRecord {
  readonly address: string;
  /** Seconds that the answer may be used; absent when the source does not tell. */
  readonly ttlS?: number | undefined;
  /** Of a service (SRV): where it listens, which hosts come first (lower), and its share among those. */
  readonly port?: number;
  readonly priority?: number;
  readonly weight?: number;
  /** Of a service: the name that has this address. */
  readonly target?: string;
}

/** What to ask for. */
export interface DnsQuery {
  readonly family: LookupFamily;
  /** Whether the asker has a use for the TTL, which not every source knows. */
  readonly withTtl: boolean;
  /** Asks for the hosts of a service, by a name such as `_grpc._tcp.example.com`. */
  readonly srv?: boolean;
  /** Tells that nobody waits for the answer any more; a lookup that can be given up is. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds the addresses of a name, the better ones first. Resolves with an empty list when the name does not exist or has
 * no such addresses; rejects when that could not be found out.
 */
export type DnsLookup = (name: string, query: DnsQuery) => Promise<readonly DnsRecord[]>;

/** Node's error code, which is also what belongs in a log. */
export function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : String(error);
}

/** An error with a code, as the system's resolver gives it. */
export function dnsError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** A lookup under way, and how many wait for it. */
interface Shared {
  readonly promise: Promise<readonly DnsRecord[]>;
  readonly abort: AbortController;
  askers: number;
}

const underWay = new Map<string, Shared>();

/**
 * The same lookup, asked once where several ask the same thing at the same moment. It is given up when all of them have
 * lost interest. Lookups with the same `key` must be interchangeable.
 */
export function askedOnce(key: string, lookup: DnsLookup): DnsLookup {
  return (name, query) => {
    const question = `${key} ${query.family} ${query.withTtl} ${query.srv ?? false} ${name}`;
    const shared = underWay.get(question) ?? ask(question, lookup, name, query);
    shared.askers++;
    query.signal?.addEventListener('abort', () => leave(question, shared), { once: true });
    return shared.promise;
  };
}

function ask(question: string, lookup: DnsLookup, name: string, query: DnsQuery): Shared {
  const abort = new AbortController();
  const promise = lookup(name, { ...query, signal: abort.signal }).finally(() => forget(question, shared));
  const shared: Shared = { promise, abort, askers: 0 };
  underWay.set(question, shared);
  return shared;
}

function leave(question: string, shared: Shared): void {
  shared.askers--;
  if (shared.askers > 0) return;
  // Whoever asks from now on must not wait for what was given up.
  forget(question, shared);
  shared.abort.abort();
}

function forget(question: string, shared: Shared): void {
  if (underWay.get(question) === shared) underWay.delete(question);
}
