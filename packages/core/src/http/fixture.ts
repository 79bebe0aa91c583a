/** Test equipment of the stream engine: one stream between a client and an upstream that are both plain objects. */

import type { ResponseWriter } from '../api/codec.ts';
import type { Headers, RequestHeaders, ResponseHeaders } from '../api/headers.ts';
import type { HttpFilter } from '../api/http-filter.ts';
import type { BodySource, TerminalStream } from '../api/http-stream.ts';
import { http } from '../compose.ts';
import { httpSettings } from '../config/build-http.ts';
import { HeaderMap, RequestHead, ResponseHead } from '../headers/header-map.ts';
import { systemClock } from '../runtime/clock.ts';
import { NO_RUNTIME } from '../runtime/layered-runtime.ts';
import { TimerWheel } from '../runtime/timer-wheel.ts';
import { listenerHttpStats, StatsStore } from '../stats/index.ts';
import { FilterPlan, type PlannedFilter } from './filter-plan.ts';
import { HttpManager } from './manager.ts';
import { Stream } from './stream.ts';

/** Hooks by filter name, in the order of the chain. */
export type Chain = Readonly<Record<string, HttpFilter<never, never>>>;

/** One side's view of a message. */
export interface Message {
  head: Headers | undefined;
  body: string;
  trailers: Headers | undefined;
  ended: boolean;
}

function blank(): Message {
  return { head: undefined, body: '', trailers: undefined, ended: false };
}

/** Options of {@link rig}. */
export interface RigOptions {
  readonly limitBytes?: number;
  readonly requestHeaders?: Readonly<Record<string, string>>;
  /** States by filter name. */
  readonly states?: Readonly<Record<string, () => unknown>>;
  /** Replaces the hooks of the terminal filter. */
  readonly terminal?: HttpFilter<never, TerminalStream>;
}

export class Rig implements ResponseWriter, BodySource {
  readonly stream: Stream;
  readonly manager: HttpManager;
  readonly logs: string[] = [];
  /** What came out behind the last request filter. */
  readonly request = blank();
  /** What the client got. */
  readonly response = blank();
  wasReset = false;
  /** Pauses of the client and of the upstream that have no resume yet. */
  clientPauses = 0;
  upstreamPauses = 0;
  /** What `flush` answers. */
  writable = true;
  flushes = 0;
  private readonly head = new RequestHead();
  private readonly store = new StatsStore();

  constructor(chain: Chain, options: RigOptions = {}) {
    const scope = this.store.scope('');
    const settings = httpSettings(http({ filters: [] }), options.limitBytes ?? 32_768);
    const planned = Object.entries(chain).map(([name, filter]) => plan(name, filter, options.states?.[name]));
    const terminal = options.terminal ?? this.terminal();
    this.manager = new HttpManager({
      settings,
      plan: new FilterPlan([...planned, plan('terminal', terminal as HttpFilter<never, never>, undefined)]),
      routePlans: new Map(),
      routes: { route: () => undefined },
      clusters: { get: () => undefined },
      wheel: new TimerWheel(systemClock, (error) => this.logs.push(String(error))),
      runtime: NO_RUNTIME,
      random: () => 0,
      logger: { log: (_level, _component, message) => this.logs.push(message) },
      rootScope: scope,
      listenerStats: listenerHttpStats(scope.scope('listener.l.http.ingress_http.')),
      draining: () => false,
    });
    this.manager.stats.downstream_rq_active.inc();
    const client = { id: 1, remoteIp: '192.0.2.1', remotePort: 1, localIp: '192.0.2.2', localPort: 2, secure: false };
    this.stream = new Stream(this.manager, client, this);
    this.head.authority = 'a';
    for (const [name, value] of Object.entries(options.requestHeaders ?? {})) this.head.append(name, value);
  }

  private terminal(): HttpFilter<never, TerminalStream> {
    return {
      onRequestHeaders: (headers: RequestHeaders, stream: TerminalStream, _state: never, end: boolean) => {
        stream.setSource(this);
        this.request.head = headers;
        this.request.ended = end;
      },
      onRequestData: (chunk, _stream, _state, end) => {
        this.request.body += Buffer.from(chunk).toString();
        this.request.ended ||= end;
      },
      onRequestTrailers: (trailers) => {
        this.request.trailers = trailers;
        this.request.ended = true;
      },
    };
  }

  // The client

  sendHead(end = false): void {
    this.stream.onHead(this.head, end);
  }

  /** The bytes are overwritten afterwards, as a codec's shared buffer is. */
  sendData(text: string, end = false): void {
    const lent = Buffer.from(text);
    this.stream.onData(lent, end, false);
    lent.fill(33);
  }

  sendTrailers(): void {
    this.stream.onTrailers(trailers());
  }

  // The upstream

  respondHead(status = 200, end = false): void {
    const head = new ResponseHead();
    head.status = status;
    this.stream.respondHead(head, end);
  }

  respondData(text: string, end = false): void {
    const lent = Buffer.from(text);
    this.stream.respondData(lent, end, false);
    lent.fill(33);
  }

  respondTrailers(): void {
    this.stream.respondTrailers(trailers());
  }

  get status(): number | undefined {
    return (this.response.head as ResponseHeaders | undefined)?.status;
  }

  counter(name: string): number | undefined {
    return this.store.counters().find((one) => one.name === `http.ingress_http.${name}`)?.value;
  }

  // ResponseWriter

  writeInterim(): void {}
  writeHead(head: ResponseHeaders, end: boolean): void {
    if (this.response.head !== undefined) throw new Error('second head');
    this.response.head = head;
    this.response.ended = end;
  }
  writeData(chunk: Uint8Array, end: boolean): void {
    if (this.response.head === undefined || this.response.ended) throw new Error('data outside of a response');
    this.response.body += Buffer.from(chunk).toString();
    this.response.ended = end;
  }
  writeTrailers(given: Headers): void {
    if (this.response.head === undefined || this.response.ended) throw new Error('trailers outside of a response');
    this.response.trailers = given;
    this.response.ended = true;
  }
  flush(): boolean {
    this.flushes++;
    return this.writable;
  }
  reset(): void {
    this.wasReset = true;
  }
  closeAfterResponse(): void {}
  pauseRequest(): void {
    this.clientPauses++;
  }
  resumeRequest(): void {
    this.clientPauses--;
  }

  // BodySource

  pause(): void {
    this.upstreamPauses++;
  }
  resume(): void {
    this.upstreamPauses--;
  }
  flushRequest(): void {}
}

function plan(name: string, filter: HttpFilter<never, never>, newState: (() => unknown) | undefined): PlannedFilter {
  return { name, definitionName: name, filter, newState };
}

function trailers(): HeaderMap {
  const map = new HeaderMap();
  map.append('x-end', '1');
  return map;
}

/** A stream through `chain`. */
export function rig(chain: Chain, options?: RigOptions): Rig {
  return new Rig(chain, options);
}

/** Filters for tests are written with plain types. */
export function hooks(filter: HttpFilter): HttpFilter<never, never> {
  return filter as HttpFilter<never, never>;
}

/** One turn of the event loop: every promise that can settle has. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
