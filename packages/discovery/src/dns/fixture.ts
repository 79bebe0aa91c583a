/** Virtual time, scripted answers and a recording context for the tests of this folder. */
import type { Clock, ClusterConfig, Counter, DiscoveryContext, Endpoint } from '@mesh/core';
import type { DnsQuery, DnsRecord } from '../resolver/index.ts';

/** Time that moves from one scheduled callback to the next when told to. */
class VirtualClock implements Clock {
  #now = 0;
  #due: { at: number; callback: () => void }[] = [];
  nowMs = (): number => this.#now;
  wallMs = (): number => this.#now;
  get pending(): number {
    return this.#due.length;
  }
  schedule = (callback: () => void, delayMs: number): (() => void) => {
    const entry = { at: this.#now + delayMs, callback };
    this.#due.push(entry);
    return () => {
      this.#due = this.#due.filter((other) => other !== entry);
    };
  };
  /** Runs all that is due within `ms`, letting promises settle in between. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settled();
    for (let next = this.#first(); next !== undefined && next.at <= until; next = this.#first()) {
      this.#now = next.at;
      this.#due = this.#due.filter((other) => other !== next);
      next.callback();
      await settled();
    }
    this.#now = until;
  }
  #first() {
    return this.#due.reduce<{ at: number; callback: () => void } | undefined>(
      (first, entry) => (first === undefined || entry.at < first.at ? entry : first),
      undefined,
    );
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

type Answer = readonly (string | DnsRecord)[] | Error | 'never';

/** A resolver that says what the test says. */
class ScriptedDns {
  readonly asked: { name: string; query: DnsQuery; atMs: number }[] = [];
  readonly #answers = new Map<string, Answer>();
  readonly #clock: Clock;
  constructor(clock: Clock) {
    this.#clock = clock;
  }
  answer(name: string, answer: Answer): void {
    this.#answers.set(name, answer);
  }
  readonly lookup = (name: string, query: DnsQuery): Promise<readonly DnsRecord[]> => {
    this.asked.push({ name, query, atMs: this.#clock.nowMs() });
    const answer = this.#answers.get(name) ?? [];
    if (answer === 'never') return new Promise(() => {});
    if (answer instanceof Error) return Promise.reject(answer);
    return Promise.resolve(answer.map((record) => (typeof record === 'string' ? { address: record } : record)));
  };
}

/** An error as the system's resolver gives it. */
export const dnsError = (code: string): Error => Object.assign(new Error(`queryA ${code}`), { code });

/** What the cluster of a test looks like: `host:port` per endpoint, and the DNS fields. */
export interface ClusterSketch {
  readonly endpoints: readonly string[];
  readonly fields?: Partial<ClusterConfig>;
  readonly typeConfig?: unknown;
}

/** A context that records what a discovery does. */
export function testContext({ endpoints, fields = {}, typeConfig }: ClusterSketch, random = () => 0) {
  const clock = new VirtualClock();
  const published: (readonly Endpoint[])[] = [];
  const logs: string[] = [];
  const counters = new Map<string, { value: number }>();
  const counter = (name: string): Counter => {
    const kept = counters.get(name) ?? { value: 0 };
    counters.set(name, kept);
    return {
      name,
      get value() {
        return kept.value;
      },
      inc: () => kept.value++,
      add: (amount) => {
        kept.value += amount;
      },
    };
  };
  const context = {
    clusterName: 'c',
    config: clusterConfig(endpoints, fields),
    typeConfig,
    clock,
    random,
    stats: { counter } as unknown as DiscoveryContext['stats'],
    log: (level: string, message: string) => logs.push(`${level} ${message}`),
    publish: (set: readonly Endpoint[]) => void published.push(set),
  } as unknown as DiscoveryContext<ClusterConfig>;
  const stat = (name: string): number => counters.get(name)?.value ?? 0;
  const hosts = (): string[] => (published.at(-1) ?? []).map(({ ip, port }) => `${ip}:${port}`);
  return { context, clock, dns: new ScriptedDns(clock), published, hosts, logs, stat };
}

function clusterConfig(endpoints: readonly string[], fields: Partial<ClusterConfig>): ClusterConfig {
  const lbEndpoints = endpoints.map((text) => {
    const colon = text.lastIndexOf(':');
    const address = { socketAddress: { address: text.slice(0, colon), portValue: Number(text.slice(colon + 1)) } };
    return {
      endpoint: { address, hostname: '', additionalAddresses: [] },
      loadBalancingWeight: 3,
      healthStatus: 'UNKNOWN',
    };
  });
  const dns = { dnsRefreshRateMs: 5000, dnsJitterMs: 0, respectDnsTtl: false, dnsLookupFamily: 'AUTO' };
  const defaults = { name: 'c', ...dns, dnsResolvers: [], useTcpForDnsLookups: false, waitForWarmOnInit: true };
  const locality = { region: 'r', zone: 'z', subZone: '' };
  const loadAssignment = {
    clusterName: 'c',
    endpoints: [{ locality, lbEndpoints, priority: 0, loadBalancingWeight: 7 }],
  };
  return { ...defaults, loadAssignment, ...fields } as unknown as ClusterConfig;
}
