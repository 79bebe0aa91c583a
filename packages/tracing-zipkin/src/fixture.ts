/** A tracer on virtual time, with a collector that a test makes up. */
import type {
  ConfiguredTracer,
  Deadline,
  ObserverContext,
  RequestHeaders,
  SideCall,
  SideCallUser,
  SideRequest,
  Span,
  SpanKind,
  StatsScope,
  Tracer,
} from '@mesh/core';
import { VirtualClock } from '@mesh/testing';
import { zipkin } from './zipkin.ts';

/** A request head with what a tracer uses of it. */
export function head(lines: Readonly<Record<string, string>> = {}): RequestHeaders {
  const fields = new Map(Object.entries(lines));
  return {
    method: 'GET',
    path: '/',
    authority: 'svc',
    scheme: 'http',
    size: fields.size,
    get: (name: string) => fields.get(name),
    getAll: (name: string) => [fields.get(name) ?? []].flat(),
    has: (name: string) => fields.has(name),
    hasPrefix: (prefix: string) => [...fields.keys()].some((name) => name.startsWith(prefix)),
    set: (name: string, value: string) => void fields.set(name, value),
    append: (name: string, value: string) => void fields.set(name, value),
    remove: (name: string) => fields.delete(name),
    forEach: (visit: (name: string, value: string) => void) => {
      for (const [name, value] of fields) visit(name, value);
    },
    entries: () => fields.entries(),
  };
}

/** Its lines. */
export function lines(headers: RequestHeaders): Record<string, string> {
  return Object.fromEntries(headers.entries());
}

/** A report under way. */
export interface SentReport {
  readonly cluster: string;
  readonly request: SideRequest;
  readonly user: SideCallUser;
  cancelled: boolean;
}

export type ZipkinInput = Parameters<typeof zipkin>[0];

/** JSON of version 2 to a cluster of that name. */
export const V2: ZipkinInput = {
  collectorCluster: 'zipkin',
  collectorEndpoint: '/api/v2/spans',
  collectorEndpointVersion: 'HTTP_JSON',
};

/** 2026-01-01T00:00:00Z in microseconds. */
export const START_US = Date.UTC(2026, 0, 1) * 1000;

export class TracerTest {
  readonly clock = new VirtualClock();
  readonly runtime = new Map<string, number>();
  readonly sent: SentReport[] = [];
  readonly tracer: Tracer;
  private readonly values = new Map<string, number>();
  private seed = 1;

  constructor(config: ZipkinInput = V2, node: Partial<ObserverContext['node']> = {}) {
    const { definition, config: checked } = zipkin(config) as ConfiguredTracer;
    this.tracer = definition.create(checked, this.context(node));
  }

  private context(node: Partial<ObserverContext['node']>): ObserverContext {
    const { clock } = this;
    const stats = { counter: (name: string) => this.counter(name) } as unknown as StatsScope;
    return {
      stats,
      clusters: { get: () => undefined },
      sideCalls: {
        request: (cluster: string, request: SideRequest, user: SideCallUser) => this.take(cluster, request, user),
        openGrpcStream: () => {
          throw new Error('not used');
        },
      },
      timers: {
        clock,
        nowMs: () => clock.nowMs(),
        arm: (deadline: Deadline, delayMs: number) => void clock.schedule(() => deadline.onDue(), delayMs),
        after: (delayMs: number, callback: () => void) => ({ cancel: clock.schedule(callback, delayMs) }),
      },
      random: () => this.chance(),
      runtime: {
        get: (key: string) => this.runtime.get(key)?.toString(),
        integer: (key: string, fallback: number) => this.runtime.get(key) ?? fallback,
        boolean: (_key: string, fallback: boolean) => fallback,
        enabled: () => false,
      },
      node: {
        id: 'node-1',
        cluster: 'front',
        region: '',
        zone: '',
        subZone: '',
        localIp: '10.0.0.1',
        hostname: 'host-1',
        ...node,
      },
      files: { open: () => undefined } as unknown as ObserverContext['files'],
      wallMs: () => clock.wallMs(),
      log: () => {},
    };
  }

  private take(cluster: string, request: SideRequest, user: SideCallUser): SideCall {
    const report: SentReport = { cluster, request, user, cancelled: false };
    this.sent.push(report);
    return { cancel: () => void (report.cancelled = true) };
  }

  private counter(name: string) {
    const add = (amount: number) => void this.values.set(name, this.stat(name) + amount);
    this.values.set(name, this.stat(name));
    return { name, value: 0, add, inc: () => add(1) };
  }

  /** Repeatable, and different enough. */
  private chance(): number {
    this.seed = (Math.imul(this.seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.seed / 0x1_0000_0000;
  }

  /** A counter's value, by the part of its name behind `tracing.zipkin.`. */
  stat(name: string): number {
    return this.values.get(name.startsWith('tracing.') ? name : `tracing.zipkin.${name}`) ?? 0;
  }

  /** Starts a span; `undefined` when the headers are broken. */
  start(headers: RequestHeaders = head(), kind: SpanKind = 'server', traced = true): Span | undefined {
    return this.tracer.startSpan(headers, { operation: 'svc', startUs: START_US, kind }, traced);
  }

  /** Reports so many spans. */
  report(count: number, tag?: string): void {
    for (let each = 0; each < count; each++) {
      const span = this.start();
      if (tag !== undefined) span?.setTag('tag', tag);
      span?.finish(START_US + 1500);
    }
  }

  /** What the last report says. */
  last(): unknown[] {
    return JSON.parse(Buffer.from(this.sent.at(-1)?.request.body ?? new Uint8Array()).toString()) as unknown[];
  }

  /** Answers the report that has waited longest. */
  answer(status = 202): void {
    const report = this.sent.find((each) => !this.answered.has(each));
    if (report === undefined) throw new Error('no report waits');
    this.answered.add(report);
    report.user.onResponse({
      status,
      header: () => undefined,
      trailer: () => undefined,
      body: new Uint8Array(),
    });
  }

  readonly answered = new Set<SentReport>();
}
