/**
 * Runs a scenario: arrivals, choices, answers and timers in the order of virtual time. The policy, the health of hosts, the
 * outlier detector, the retry budget and the limit of requests are the real ones; the network is not there. Invariant: a
 * request is in the queue exactly once, or over.
 */
import type { ClusterConfig, Host, PickContext, RandomSource } from '@mesh/core';
import { type Cluster, staticEndpoints } from '@mesh/core/engine';
import { turn } from '../clock.ts';
import { chance } from './chance.ts';
import { EventQueue } from './event-queue.ts';
import { Recorder } from './record.ts';
import { SimulationResult } from './result.ts';
import { DEFAULT_BEHAVIOUR, type HostBehaviour, type Scenario, type SimulationControl } from './scenario.ts';
import { isEjected } from './sim-checks.ts';
import { SimClock } from './sim-clock.ts';
import { SimClusters } from './sim-cluster.ts';
import { SimHost } from './sim-host.ts';
import { SimRequests } from './sim-requests.ts';

/** The longest that a cluster may take until it can be used: what comes later is a scenario that never starts. */
const MOST_WARMING_MS = 120_000;
/** Between turns of the event loop. */
const EVENTS_PER_TURN = 100_000;
/** In the place of a status: nobody listens, or the answer comes too late. */
const NO_CONNECTION = 0;
const LATE = -1;
/** A back-off grows no further than to this many times the first. Envoy's default. */
const MOST_BACK_OFF = 10;

/**
 * Drives hosts, latencies, failures and arrivals through the real policies on virtual time.
 *
 * @throws MeshError `CONFIG_INVALID` when no extension serves what the cluster asks for.
 * @example
 * const result = await simulate({
 *   name: 'one bad host',
 *   cluster: cluster('app', { endpoints: ['10.0.0.1:80', '10.0.0.2:80'], outlierDetection: {} }),
 *   extensions: [...standard],
 *   durationMs: 60_000,
 *   requestsPerSecond: 500,
 *   events: [{ atMs: 10_000, name: '.1 fails', run: ({ host }) => void (host('10.0.0.1:80').failureRate = 1) }],
 * });
 * console.log(result.text());
 */
export async function simulate(scenario: Scenario): Promise<SimulationResult> {
  const events = [...(scenario.events ?? [])].sort((a, b) => a.atMs - b.atMs);
  const simulation = new Simulation({ ...scenario, events });
  try {
    await simulation.warm();
    await simulation.run();
    return simulation.result();
  } finally {
    simulation.close();
  }
}

class Simulation implements PickContext, SimulationControl {
  readonly reselections: number;
  private readonly scenario: Scenario;
  private readonly clock = new SimClock();
  private readonly queue = new EventQueue();
  private readonly requests: SimRequests;
  private readonly record: Recorder;
  private readonly random: RandomSource;
  private readonly clusters: SimClusters;
  private readonly hosts = new Map<string, SimHost>();
  private readonly answer = { dueMs: 0, status: 0 };
  private readonly retriable: ReadonlySet<number>;
  private readonly timeoutMs: number;
  private readonly hashKeys: BigUint64Array;
  private cluster!: Cluster;
  /** Virtual time at which the record begins. */
  private originMs = 0;
  private arrivalMs = 0;
  private bucket = 0;
  private bucketEndMs = 0;
  private nextEvent = 0;
  private rate: number;
  /** The request that a host is chosen for. */
  private current = 0;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.random = chance(scenario.seed ?? 1);
    this.record = new Recorder(scenario.durationMs, scenario.buckets ?? 200);
    this.rate = scenario.requestsPerSecond;
    this.timeoutMs = scenario.timeoutMs ?? 15_000;
    this.retriable = new Set(scenario.retries?.statuses ?? [502, 503, 504]);
    this.reselections = scenario.retries?.previousHosts === true ? 5 : 0;
    this.requests = new SimRequests(this.reselections > 0);
    this.hashKeys = new BigUint64Array(scenario.hashes ?? 0).map(() => {
      return (BigInt(Math.floor(this.random() * 2 ** 32)) << 32n) | BigInt(Math.floor(this.random() * 2 ** 32));
    });
    this.clusters = new SimClusters({
      extensions: scenario.extensions,
      clock: this.clock,
      random: this.random,
      locality: scenario.proxy?.locality,
      find: (host) => this.find(host),
    });
  }

  /** Builds the cluster, and lets its first health checks pass. */
  async warm(): Promise<void> {
    const { scenario, clusters, clock } = this;
    const own = scenario.proxy?.cluster;
    const local = own && (await clusters.add(own, undefined));
    this.cluster = await clusters.add(scenario.cluster, local);
    for (const host of this.cluster.hosts) this.find(host);
    let ready = false;
    const started = this.cluster.startMonitors().then(() => {
      ready = true;
    });
    for (await turn(); !ready && clock.nextMs <= MOST_WARMING_MS; await turn()) clock.runNext();
    if (!ready) throw new Error(`${scenario.name}: the cluster is not ready after ${MOST_WARMING_MS / 1000} s`);
    await started;
    this.originMs = clock.now;
    this.bucketEndMs = this.originMs + this.record.bucketMs;
    this.arrivalMs = this.originMs + this.gap();
  }

  async run(): Promise<void> {
    const endMs = this.originMs + this.scenario.durationMs;
    while (this.work(endMs)) await turn();
    while (this.bucket < this.record.buckets) this.endBucket();
  }

  /** Some events; false when the scenario is over. */
  private work(endMs: number): boolean {
    const { clock, queue } = this;
    const events = this.scenario.events ?? [];
    for (let done = 0; done < EVENTS_PER_TURN; done++) {
      const event = events[this.nextEvent];
      const eventMs = event === undefined ? Number.POSITIVE_INFINITY : this.originMs + event.atMs;
      const nextMs = Math.min(eventMs, clock.nextMs, queue.nextMs, this.arrivalMs);
      if (nextMs > endMs) return false;
      while (nextMs >= this.bucketEndMs && this.bucket < this.record.buckets - 1) this.endBucket();
      if (nextMs === eventMs) {
        clock.now = nextMs;
        this.nextEvent++;
        event?.run(this);
      } else if (nextMs === clock.nextMs) clock.runNext();
      else {
        clock.now = nextMs;
        if (nextMs === queue.nextMs) this.due(queue.pop());
        else this.arrive();
      }
    }
    return true;
  }

  private gap(): number {
    if (this.rate <= 0) return Number.POSITIVE_INFINITY;
    const mean = 1000 / this.rate;
    return this.scenario.arrivals === 'steady' ? mean : -Math.log(1 - this.random()) * mean;
  }

  private endBucket(): void {
    const { record, bucket, cluster } = this;
    let ejected = 0;
    for (const { hosts, healthy, degraded } of cluster.sets.priorities) {
      record.members[bucket] = (record.members[bucket] as number) + hosts.length;
      record.healthy[bucket] = (record.healthy[bucket] as number) + healthy.length;
      record.degraded[bucket] = (record.degraded[bucket] as number) + degraded.length;
      for (const host of hosts) if (host.healthFlags !== 0 && isEjected(host)) ejected++;
    }
    record.ejected[bucket] = ejected;
    this.bucket++;
    this.bucketEndMs += record.bucketMs;
  }

  // Requests

  private arrive(): void {
    const { clock, record, requests } = this;
    this.arrivalMs = clock.now + this.gap();
    add(record.arrivals, this.bucket);
    const hash = this.hashKeys.length === 0 ? 0 : Math.floor(this.random() * this.hashKeys.length);
    this.attempt(requests.begin(clock.now, hash));
  }

  private attempt(id: number): void {
    const { cluster, requests, record, clock, answer } = this;
    const { breaker } = cluster;
    this.current = id;
    const host = cluster.pick(this);
    if (host === undefined) {
      add(record.noHost, this.bucket);
      this.finish(id, 503);
      return;
    }
    if (breaker.requests >= breaker.thresholds.maxRequests) {
      cluster.stats.upstream_rq_active_overflow.value++;
      add(record.overflows, this.bucket);
      this.finish(id, 503);
      return;
    }
    breaker.addRequest();
    cluster.stats.upstream_rq_total.value++;
    host.stats.rqActive++;
    host.stats.rqTotal++;
    const served = this.find(host);
    add(served.record.requests, this.bucket);
    served.serve(clock.now, this.random, answer);
    if (answer.status !== NO_CONNECTION) host.outlier?.onLocalOrigin(true, 0);
    const lateMs = requests.startMs(id) + this.timeoutMs;
    const late = this.timeoutMs > 0 && answer.dueMs > lateMs;
    requests.sent(id, host, late ? LATE : answer.status);
    this.queue.push(late ? Math.max(lateMs, clock.now) : answer.dueMs, id);
  }

  /** An answer, or the end of a back-off. */
  private due(id: number): void {
    const { requests } = this;
    const host = requests.host(id);
    if (host === undefined) {
      this.attempt(id);
      return;
    }
    host.stats.rqActive--;
    this.cluster.breaker.removeRequest();
    const outcome = requests.status(id);
    const status = outcome === NO_CONNECTION ? 503 : outcome === LATE ? 504 : outcome;
    if (outcome > 0) host.outlier?.onStatus(status);
    else host.outlier?.onLocalOrigin(false, status);
    if (status >= 500) {
      add(this.find(host).record.failures, this.bucket);
      host.stats.rqError++;
      if (this.retry(id, status)) return;
    } else host.stats.rqSuccess++;
    this.finish(id, status);
  }

  private retry(id: number, status: number): boolean {
    const { requests, cluster, clock } = this;
    const { retries } = this.scenario;
    this.giveBack(id);
    const attempts = requests.attempts(id);
    if (retries === undefined || attempts > (retries.numRetries ?? 1) || !this.retriable.has(status)) return false;
    if (clock.now >= requests.startMs(id) + this.timeoutMs && this.timeoutMs > 0) return false;
    if (!cluster.beginRetry('default')) {
      cluster.stats.upstream_rq_retry_overflow.value++;
      return false;
    }
    cluster.stats.upstream_rq_retry.value++;
    add(this.record.retries, this.bucket);
    requests.holdRetry(id);
    const backOff = (retries.backOffMs ?? 25) * Math.min(MOST_BACK_OFF, 2 ** (attempts - 1));
    this.queue.push(clock.now + this.random() * backOff, id);
    return true;
  }

  private giveBack(id: number): void {
    if (this.requests.dropRetry(id)) this.cluster.endRetry('default');
  }

  private finish(id: number, status: number): void {
    const { record, requests, clock } = this;
    this.giveBack(id);
    add(status < 500 ? record.succeeded : record.failed, this.bucket);
    record.addLatency(this.bucket, clock.now - requests.startMs(id));
    requests.end(id);
  }

  // PickContext

  hash(): bigint | undefined {
    return this.hashKeys.length === 0 ? undefined : this.hashKeys[this.requests.hash(this.current)];
  }

  shouldSkip(host: Host): boolean {
    return this.requests.tried(this.current, host);
  }

  // SimulationControl

  get nowMs(): number {
    return this.clock.now - this.originMs;
  }

  get addresses(): readonly string[] {
    return this.cluster.hosts.map(({ address }) => address);
  }

  readonly host = (address: string): HostBehaviour => {
    const host = this.hosts.get(address);
    if (host === undefined) throw new Error(`${this.scenario.name}: there is no host ${address}`);
    return host.behaviour;
  };

  readonly setEndpoints = (config: ClusterConfig): void => {
    this.cluster.update(staticEndpoints(config));
    for (const host of this.cluster.hosts) this.find(host);
  };

  readonly setRequestsPerSecond = (rate: number): void => {
    this.rate = rate;
    this.arrivalMs = this.clock.now + this.gap();
  };

  private find(host: Host): SimHost {
    const known = this.hosts.get(host.address);
    if (known !== undefined) return known;
    const { address, locality, priority, weight } = host;
    const index = this.hosts.size;
    const behaviour = { ...DEFAULT_BEHAVIOUR, ...this.scenario.host?.({ address, locality, priority, weight }, index) };
    const made = new SimHost(address, behaviour, this.record.addHost(address, locality.zone, priority));
    this.hosts.set(address, made);
    return made;
  }

  result(): SimulationResult {
    const { scenario, record, clusters } = this;
    const stats = new Map(
      [...clusters.store.counters(), ...clusters.store.gauges()].map(({ name, value }) => [name, value]),
    );
    return new SimulationResult(scenario, record, stats);
  }

  close(): void {
    this.clusters.close();
  }
}

function add(row: Uint32Array, bucket: number): void {
  row[bucket] = (row[bucket] as number) + 1;
}
