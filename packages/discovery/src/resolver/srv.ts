/** Services: a name → hosts with port, priority and weight (RFC 2782) → their addresses. */
import type { DnsQuery, DnsRecord } from './lookup.ts';
import { nameProblem } from './name.ts';

/** One host of a service. */
export interface SrvRecord {
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
  readonly ttlS?: number | undefined;
}

/** Targets looked up at the same time: a long list must not flood the name server. */
const AT_ONCE = 16;

/** Whether a name is that of a service: `_service._proto.name`. */
export function isServiceName(name: string): boolean {
  return /^_[a-z0-9-]+\._[a-z0-9-]+\../i.test(name);
}

/**
 * The addresses of all hosts of a service, best priority first. One host that cannot be looked up fails the whole: an
 * incomplete answer would take good hosts away.
 */
export async function addressesOf(
  services: readonly SrvRecord[],
  query: DnsQuery,
  lookup: (target: string, query: DnsQuery) => Promise<readonly DnsRecord[]>,
): Promise<readonly DnsRecord[]> {
  // Targets are names from outside. That of ".", which says that there is no such service here, is none.
  const wanted = services.filter(({ target }) => nameProblem(target) === undefined);
  const targets = [...new Set(wanted.map(({ target }) => target.toLowerCase()))];
  const found = new Map<string, readonly DnsRecord[]>();
  for (let start = 0; start < targets.length; start += AT_ONCE) {
    const some = targets.slice(start, start + AT_ONCE);
    const answers = await Promise.all(some.map((target) => lookup(target, { ...query, srv: false })));
    for (const [index, target] of some.entries()) found.set(target, answers[index] ?? []);
  }
  return wanted
    .toSorted((a, b) => a.priority - b.priority)
    .flatMap(({ target, port, priority, weight, ttlS }) =>
      (found.get(target.toLowerCase()) ?? []).map((record) => {
        return { address: record.address, target, port, priority, weight, ttlS: shorter(ttlS, record.ttlS) };
      }),
    );
}

function shorter(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
