/** Checks on virtual time, of hosts whose answers a test makes up. */
import {
  type CheckClient,
  type ClusterConfig,
  type ClusterMonitorContext,
  cluster,
  type Deadline,
  type HealthCheckInit,
  HealthFlag,
  type Host,
  type HostChecks,
  openLogFile,
  type RequestHeaders,
  type RequestWriter,
  type ResponseHeaders,
  type RuntimeFraction,
  type StatsScope,
  type UpstreamRequest,
} from '@mesh/core';
import { VirtualClock } from '@mesh/testing';
import { ActiveHealthChecks } from './monitor.ts';

/** What a host answers a check: a status with fields, nothing at all, or a broken connection. */
export type ScriptedAnswer = number | readonly [status: number, ...fields: string[]] | 'hang' | 'lost';

/** A host as checks see it. */
export interface TestHost {
  readonly address: string;
  healthFlags: number;
  checks: HostChecks | undefined;
  /** What it answers from now on. */
  answer: ScriptedAnswer;
  /** Times at which it was asked. */
  readonly asked: number[];
}

/** An HTTP check with thresholds of 3 and 2, a second between checks, in a cluster that has had traffic. */
export const CHECK: HealthCheckInit = {
  timeoutMs: 200,
  intervalMs: 1000,
  unhealthyThreshold: 3,
  healthyThreshold: 2,
  httpHealthCheck: { path: '/healthz' },
};

export class ChecksTest {
  readonly clock = new VirtualClock();
  readonly hosts: readonly TestHost[];
  readonly monitor: ActiveHealthChecks;
  /** Whether the cluster waits no more. */
  ready = false;
  everUsed = true;
  random = 0;
  readonly runtime = new Map<string, number>();
  /** Heads of all requests. */
  readonly requests: RequestHeaders[] = [];
  readonly closed: string[] = [];
  /** Times of every change between passing and failing, by address. */
  readonly flips: { readonly atMs: number; readonly failed: boolean }[] = [];
  private readonly values = new Map<string, number>();

  constructor(answers: readonly ScriptedAnswer[], checks: readonly HealthCheckInit[] = [CHECK], more: object = {}) {
    this.hosts = answers.map((answer, at) => this.host(`10.0.0.${at}:80`, answer));
    const config = cluster('c', { endpoints: [], healthChecks: checks, ...more });
    this.monitor = new ActiveHealthChecks(this.context(config));
    void this.monitor.start().then(() => {
      this.ready = true;
    });
  }

  host(address: string, answer: ScriptedAnswer): TestHost {
    const [ip = '', port] = address.split(':');
    const locality = { region: '', zone: '', subZone: '' };
    const flags = HealthFlag.failedActiveHc;
    const base = { address, ip, port: Number(port), locality, checks: undefined, asked: [] };
    return { ...base, healthFlags: flags, answer } as TestHost;
  }

  add(...hosts: TestHost[]): void {
    this.monitor.onHosts(hosts as unknown as Host[], []);
  }

  remove(...hosts: TestHost[]): void {
    this.monitor.onHosts([], hosts as unknown as Host[]);
  }

  failed(at = 0): boolean {
    return this.has(HealthFlag.failedActiveHc, at);
  }

  has(flag: number, at = 0): boolean {
    return ((this.hosts[at]?.healthFlags ?? 0) & flag) !== 0;
  }

  /** Lets the host answer so from now on, and time pass until it has been asked once more. */
  next(answer: ScriptedAnswer, at = 0): void {
    const host = this.hosts[at] as TestHost;
    host.answer = answer;
    const before = host.asked.length;
    for (let steps = 0; host.asked.length === before && steps < 100_000; steps++) this.clock.advance(10);
    if (answer === 'hang') this.clock.advance(200);
  }

  stat(name: string): number {
    return this.values.get(name) ?? Number.NaN;
  }

  private context(config: ClusterConfig): ClusterMonitorContext<ClusterConfig> {
    const test = this;
    return {
      clusterName: 'c',
      config,
      clock: this.clock,
      timers: this.timers(),
      random: () => this.random,
      runtime: {
        get: () => undefined,
        integer: (key, fallback) => this.runtime.get(key) ?? fallback,
        boolean: (_key, fallback) => fallback,
        enabled: ({ numerator, denominator, runtimeKey }: RuntimeFraction, random) =>
          random % denominator < (this.runtime.get(runtimeKey) ?? numerator),
      },
      stats: this.scope(''),
      log: () => {},
      hosts: () => this.hosts as unknown as Host[],
      setHealth: (host, flags, on) => this.setHealth(host as unknown as TestHost, flags, on),
      noteRecovered: () => {},
      attach: (host, parts) => void Object.assign(host, parts),
      get everUsed() {
        return test.everUsed;
      },
      closeConnections: (host) => void this.closed.push(host.address),
      connect: () => {
        throw new Error('no connections here');
      },
      client: (host) => this.client(host as unknown as TestHost),
      isSecure: () => false,
      outlierEventLogPath: '',
      files: { open: (path) => openLogFile(path) },
    };
  }

  private setHealth(host: TestHost, flags: number, on: boolean): boolean {
    const before = host.healthFlags;
    host.healthFlags = on ? before | flags : before & ~flags;
    if (((before ^ host.healthFlags) & HealthFlag.failedActiveHc) !== 0) {
      this.flips.push({ atMs: this.clock.nowMs(), failed: on });
    }
    return host.healthFlags !== before;
  }

  private client(host: TestHost): CheckClient {
    return { open: (request) => this.ask(host, request), disconnect: () => {}, close: () => {} };
  }

  private ask(host: TestHost, request: UpstreamRequest): undefined {
    host.asked.push(this.clock.nowMs());
    const { answer } = host;
    const writer = {
      writeHead: (head: RequestHeaders) => void this.requests.push(head),
      writeData: () => {},
      flush: () => true,
      reset: () => {},
    };
    if (answer === 'lost') {
      request.onFailure({} as never, host as unknown as Host);
      return;
    }
    request.onReady(writer as unknown as RequestWriter, host as unknown as Host, false);
    if (answer === 'hang') return;
    const [status, ...fields] = typeof answer === 'number' ? [answer] : answer;
    request.onHead(responseHead(status, fields), true);
  }

  private timers() {
    const cancels = new WeakMap<Deadline, () => void>();
    return {
      clock: this.clock,
      nowMs: () => this.clock.nowMs(),
      arm: (deadline: Deadline & { next?: unknown; prev?: unknown }, delayMs: number) => {
        cancels.get(deadline)?.();
        let due = false;
        const cancel = this.clock.schedule(() => {
          due = true;
          deadline.onDue();
        }, delayMs);
        cancels.set(deadline, () => {
          if (!due) cancel();
        });
        deadline.disarm = () => cancels.get(deadline)?.();
      },
      after: (delayMs: number, callback: () => void) => ({ cancel: this.clock.schedule(callback, delayMs) }),
    };
  }

  private scope(prefix: string): StatsScope {
    const metric = (name: string) => {
      const full = `${prefix}${name}`;
      const add = (by: number) => void this.values.set(full, (this.values.get(full) ?? 0) + by);
      add(0);
      const set = (value: number) => void this.values.set(full, value);
      return { name: full, value: 0, inc: () => add(1), dec: () => add(-1), add, set, record: () => {} };
    };
    return { counter: metric, gauge: metric, histogram: metric, scope: (name) => this.scope(`${prefix}${name}`) };
  }
}

/** As much of a head as checks look at. */
function responseHead(status: number, fields: readonly string[]): ResponseHeaders {
  const values = new Map<string, string>();
  for (let at = 0; at < fields.length; at += 2) values.set(fields[at] as string, fields[at + 1] ?? '');
  const head = { status, get: (name: string) => values.get(name), has: (name: string) => values.has(name) };
  return head as unknown as ResponseHeaders;
}
