/**
 * An access logger, a tracer, a stats sink, and a filter that asks another service: what one writes to watch a proxy in
 * one's own way. docs/writing-an-observer.md walks through this file, and the test beside it runs it.
 */
import { randomBytes } from 'node:crypto';
import {
  type AccessLog,
  type AccessLogType,
  type Counter,
  compileAccessLogFormat,
  defineAccessLog,
  defineHttpFilter,
  defineStatsSink,
  defineTracer,
  type LogOutput,
  type LogSubject,
  type MetricsSnapshot,
  type ObserverContext,
  type RequestHeaders,
  type SideCall,
  type Span,
  type SpanStart,
  STOP,
  type TimerHandle,
} from '@mesh/core';
import { z } from 'zod';

const postedConfig = z.object({
  cluster: z.string(),
  path: z.string().default('/'),
  flushMs: z.number().int().positive().default(1000),
  maxEntries: z.number().int().positive().default(1000),
});

/** Posts lines of JSON to a service of a cluster. */
export const posted = defineAccessLog({
  name: 'acme.access_loggers.posted',
  config: postedConfig,
  create: (config, context) => new Posted(config, context),
});

class Posted implements AccessLog {
  private readonly format = compileAccessLogFormat({
    jsonFormat: { path: '%REQ(:PATH)%', status: '%RESPONSE_CODE%', ms: '%DURATION%', flags: '%RESPONSE_FLAGS%' },
  });
  private readonly config: z.output<typeof postedConfig>;
  private readonly context: ObserverContext;
  private readonly dropped: Counter;
  private waiting: string[] = [];
  private timer: TimerHandle | undefined = undefined;

  constructor(config: z.output<typeof postedConfig>, context: ObserverContext) {
    this.config = config;
    this.context = context;
    this.dropped = context.stats.counter('access_logs.posted.dropped');
  }

  log(subject: LogSubject, type: AccessLogType): void {
    if (this.waiting.length === this.config.maxEntries) {
      this.dropped.inc();
      return;
    }
    this.waiting.push(this.format(subject, type));
    this.timer ??= this.context.timers.after(this.config.flushMs, () => void this.flush());
  }

  close(): Promise<void> {
    return this.flush();
  }

  private flush(): Promise<void> {
    this.timer?.cancel();
    this.timer = undefined;
    const lines = this.waiting;
    this.waiting = [];
    if (lines.length === 0) return Promise.resolve();
    const { cluster, path } = this.config;
    const request = { method: 'POST', path, body: Buffer.from(lines.join(''), 'latin1'), timeoutMs: 1000 };
    return new Promise((resolve) => {
      this.context.sideCalls.request(cluster, request, {
        onResponse: () => resolve(),
        onFailure: () => {
          this.dropped.add(lines.length);
          resolve();
        },
      });
    });
  }
}

/** Writes spans to a file, a line of JSON each; their context travels in `traceparent`. */
export const written = defineTracer({
  name: 'acme.tracers.written',
  config: z.object({ path: z.string() }),
  create({ path }, { files }) {
    const output = files.open(path);
    return {
      startSpan(headers, start, traced) {
        const [, traceId, parentId, flags] = TRACEPARENT.exec(headers.get('traceparent') ?? '') ?? [];
        if (traceId === undefined) return new WrittenSpan(output, start, randomHex(16), undefined, traced, true);
        return new WrittenSpan(output, start, traceId, parentId, flags === '01', false);
      },
      close: () => output.close(),
    };
  },
});

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])$/;
const randomHex = (bytes: number) => randomBytes(bytes).toString('hex');

class WrittenSpan implements Span {
  readonly spanId = randomHex(8);
  readonly traceId: string;
  readonly localDecision: boolean;
  sampled: boolean;
  private readonly output: LogOutput;
  private readonly start: SpanStart;
  private readonly parentId: string | undefined;
  private readonly tags: Record<string, string> = {};
  private name: string;
  private over = false;

  constructor(
    output: LogOutput,
    start: SpanStart,
    traceId: string,
    parentId: string | undefined,
    sampled: boolean,
    localDecision: boolean,
  ) {
    this.output = output;
    this.start = start;
    this.name = start.operation;
    this.traceId = traceId;
    this.parentId = parentId;
    this.sampled = sampled;
    this.localDecision = localDecision;
  }

  setOperation(operation: string): void {
    this.name = operation;
  }

  setTag(name: string, value: string): void {
    if (this.sampled) this.tags[name] = value;
  }

  annotate(): void {}

  setSampled(sampled: boolean): void {
    this.sampled = sampled;
  }

  startChild(start: SpanStart): Span {
    return new WrittenSpan(this.output, start, this.traceId, this.spanId, this.sampled, false);
  }

  inject(headers: RequestHeaders): void {
    headers.set('traceparent', `00-${this.traceId}-${this.spanId}-${this.sampled ? '01' : '00'}`);
  }

  finish(endUs: number): void {
    if (this.over || !this.sampled) return;
    this.over = true;
    const { name, parentId, spanId, start, tags, traceId } = this;
    const line = { traceId, spanId, parentId, name, kind: start.kind, us: Math.round(endUs - start.startUs), tags };
    this.output.write(`${JSON.stringify(line)}\n`, false);
  }
}

/** Posts what has been counted since the last flush, in InfluxDB's line protocol. */
export const influx = defineStatsSink({
  name: 'acme.stat_sinks.influx',
  config: z.object({ cluster: z.string() }),
  create({ cluster }, { sideCalls, stats }) {
    const failed = stats.counter('influx.failed');
    return {
      flush(snapshot) {
        const body = Buffer.from(linesOf(snapshot));
        const request = { method: 'POST', path: '/write', body, timeoutMs: 1000 };
        sideCalls.request(cluster, request, { onResponse: () => {}, onFailure: () => failed.inc() });
      },
    };
  },
});

function linesOf({ counters, timeMs }: MetricsSnapshot): string {
  let text = '';
  for (const { delta, tagExtractedName, tags } of counters) {
    if (delta === 0) continue;
    const labels = tags.map(({ name, value }) => `,${name}=${value.replace(/[ ,=\\]/g, '\\$&')}`);
    text += `${tagExtractedName}${labels.join('')} value=${delta}i ${timeMs * 1e6}\n`;
  }
  return text;
}

/** Asks a service of a cluster who may pass. */
export const checked = defineHttpFilter({
  name: 'acme.filters.http.checked',
  config: z.object({ cluster: z.string() }),
  newState: (): { call?: SideCall } => ({}),
  create: ({ cluster }, { sideCalls }) => ({
    onRequestHeaders(headers, stream, state) {
      const fields = [['authorization', headers.get('authorization') ?? '']] as const;
      state.call = sideCalls.request(
        cluster,
        { method: 'GET', path: '/check', headers: fields, timeoutMs: 200, parent: stream.span },
        {
          onResponse: ({ status }) => (status === 200 ? stream.resumeRequest() : void stream.reply(403, 'no\n')),
          onFailure: () => void stream.reply(503, 'cannot tell\n'),
        },
      );
      return STOP;
    },
    onComplete: (_stream, state) => state.call?.cancel(), // the client may have gone
  }),
});

/** Times a step of its own as a span below that of the request. */
export const timed = defineHttpFilter({
  name: 'acme.filters.http.timed',
  config: z.object({}),
  create: (_config, { timers }) => ({
    async onRequestHeaders(headers, stream) {
      const now = () => timers.clock.wallMs() * 1000;
      const span = stream.span?.startChild({ operation: 'load profile', startUs: now(), kind: 'client' });
      const profile = await loadProfile(headers.get('x-user') ?? '');
      span?.setTag('profile', profile);
      span?.finish(now());
      headers.set('x-profile', profile);
    },
  }),
});

async function loadProfile(user: string): Promise<string> {
  return user === '' ? 'guest' : 'member';
}
