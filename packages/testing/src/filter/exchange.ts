/** One exchange without sockets: plays the client's parts into a stream and keeps what comes out. */
import type { Headers, ResponseHeaders, ResponseWriter, StreamConnection } from '@mesh/core';
import { type HttpManager, RequestHead, Stream } from '@mesh/core/engine';
import { type BodyInput, type HeadersInput, toChunks, toLines } from '../bytes.ts';
import { headersOf } from './scripted-upstream.ts';

/** A request to play. */
export interface ClientScript {
  /** Default `GET`. */
  readonly method?: string;
  /** Default `/`. */
  readonly path?: string;
  /** `host` defaults to `test.local`. */
  readonly headers?: HeadersInput;
  /**
   * Text or bytes come as one chunk with `content-length`; a list as its chunks and then, as with the chunked coding, an
   * empty last one (unless `headers` has a `content-length`).
   */
  readonly body?: BodyInput;
  readonly trailers?: HeadersInput;
  /** The client goes away behind the last part given here, before the request is complete. */
  readonly disconnect?: boolean;
}

/** The client of every exchange. */
const CLIENT: StreamConnection = {
  id: 1,
  remoteIp: '192.0.2.1',
  remotePort: 50_000,
  localIp: '192.0.2.2',
  localPort: 80,
  secure: false,
};

export class Exchange implements ResponseWriter {
  readonly stream: Stream;
  /** The response, as the codec would have got it. */
  head: ResponseHeaders | undefined = undefined;
  readonly chunks: Buffer[] = [];
  trailers: Headers | undefined = undefined;
  readonly interim: number[] = [];
  ended = false;
  wasReset = false;
  /** Grows with everything that happens; an exchange whose count stands still is stuck. */
  activity = 0;
  onOver: () => void = () => {};
  private readonly method: string;
  private parts: (() => void)[] = [];
  private pauses = 0;
  private playing = false;

  constructor(manager: HttpManager, method: string) {
    this.method = method;
    manager.stats.downstream_rq_total.inc();
    manager.stats.downstream_rq_active.inc();
    this.stream = new Stream(manager, CLIENT, this);
  }

  get over(): boolean {
    return this.stream.over;
  }

  play(head: RequestHead, script: ClientScript): void {
    this.parts = this.requestParts(head, script);
    this.pump();
  }

  private requestParts(head: RequestHead, script: ClientScript): (() => void)[] {
    const { body, trailers, disconnect = false } = script;
    const { stream } = this;
    const chunks = toChunks(body);
    const open = disconnect || trailers !== undefined || (Array.isArray(body) && !head.has('content-length'));
    const parts: (() => void)[] = [() => stream.onHead(head, chunks.length === 0 && !open)];
    for (const [index, chunk] of chunks.entries()) {
      parts.push(() => this.sendOnce(chunk, !open && index === chunks.length - 1));
    }
    if (disconnect) parts.push(() => this.disconnect());
    else if (trailers !== undefined) parts.push(() => stream.onTrailers(headersOf(trailers)));
    else if (open) parts.push(() => stream.onData(Buffer.alloc(0), true, true));
    return parts;
  }

  /** The bytes are gone after the call, as a codec's may be: a filter that keeps them without a copy is found out. */
  private sendOnce(chunk: Buffer, end: boolean): void {
    const lent = Buffer.from(chunk);
    this.stream.onData(lent, end, false);
    lent.fill(0xdd);
  }

  private disconnect(): void {
    this.stream.onReset('connection termination');
    this.onOver();
  }

  /** Parts go in one after the other until the stream asks for a pause. A client that is gone does not wait. */
  private pump(): void {
    if (this.playing) return;
    this.playing = true;
    while (this.parts.length > 0 && this.pauses === 0 && !this.over) {
      this.activity++;
      (this.parts.shift() as () => void)();
    }
    this.playing = false;
    if (!this.over) this.stream.onBatchEnd();
  }

  // ResponseWriter

  writeInterim(head: ResponseHeaders): void {
    this.activity++;
    this.interim.push(head.status);
  }

  writeHead(head: ResponseHeaders, end: boolean): void {
    this.activity++;
    this.head = head;
    if (end) this.end();
  }

  writeData(chunk: Uint8Array, end: boolean): void {
    this.activity++;
    const status = this.head?.status;
    const bodiless = this.method === 'HEAD' || status === 204 || status === 304;
    if (chunk.length > 0 && !bodiless) this.chunks.push(Buffer.from(chunk));
    if (end) this.end();
  }

  writeTrailers(trailers: Headers): void {
    this.trailers = trailers;
    this.end();
  }

  private end(): void {
    if (this.ended) throw new Error('the stream ended its response twice');
    this.ended = true;
    this.onOver();
  }

  flush(): boolean {
    return true;
  }

  reset(): void {
    this.wasReset = true;
    this.onOver();
  }

  closeAfterResponse(): void {}

  pauseRequest(): void {
    this.pauses++;
  }

  resumeRequest(): void {
    this.activity++;
    this.pauses--;
    if (this.pauses === 0) queueMicrotask(() => this.pump());
  }
}

/** The head of a scripted request, as the codec would have parsed it. */
export function requestHead(script: ClientScript): RequestHead {
  const head = new RequestHead();
  head.method = script.method ?? 'GET';
  head.path = script.path ?? '/';
  head.authority = 'test.local';
  for (const [name, value] of toLines(script.headers)) head.append(name, value);
  const { body } = script;
  const plain = typeof body === 'string' || body instanceof Uint8Array;
  if (plain && script.trailers === undefined && !head.has('content-length')) {
    head.append('content-length', String(toChunks(body)[0]?.length ?? 0));
  }
  return head;
}
