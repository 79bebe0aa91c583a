/** The terminal filter behind a chain under test: it keeps the request that came through and plays a response. */
import type { BodySource, Headers, HttpFilter, RequestHeaders, TerminalStream } from '@mesh/core';
import { HeaderMap, type PlannedFilter, ResponseHead } from '@mesh/core/engine';
import { type BodyInput, type HeadersInput, toChunks, toLines, toRecord } from '../bytes.ts';

/** The response that the upstream plays. */
export interface ScriptedResponse {
  /** Default 200. */
  readonly status?: number;
  readonly headers?: HeadersInput;
  /**
   * Text or bytes come as one chunk with `content-length`; a list as its chunks and then, as with the chunked coding, an
   * empty last one (unless `headers` has a `content-length`).
   */
  readonly body?: BodyInput;
  readonly trailers?: HeadersInput;
}

/** The request as it left the last filter. */
export interface UpstreamRequestSeen {
  readonly method: string;
  readonly path: string;
  /** Names in lower case, repeated fields joined by `, `; `host` among them. */
  readonly headers: Readonly<Record<string, string>>;
  body: string;
  trailers: Readonly<Record<string, string>> | undefined;
  /** The end of the request has arrived. */
  complete: boolean;
}

/** What the upstream does: a response, or a function that makes one when the request is complete. */
export type UpstreamScript =
  | ScriptedResponse
  | ((request: UpstreamRequestSeen) => ScriptedResponse | Promise<ScriptedResponse>);

/** Name of the scripted upstream in a chain. */
const UPSTREAM_NAME = 'mesh.testing.upstream';

/** One exchange at the upstream. */
export class ScriptedExchange implements BodySource {
  seen: UpstreamRequestSeen | undefined = undefined;
  /** The response was begun. */
  answered = false;
  private readonly script: UpstreamScript;
  private stream!: TerminalStream;
  private pauses = 0;
  private parts: (() => void)[] = [];
  private playing = false;

  constructor(script: UpstreamScript) {
    this.script = script;
  }

  begin(headers: RequestHeaders, stream: TerminalStream, end: boolean): void {
    this.stream = stream;
    stream.setSource(this);
    const lines: [string, string][] = [['host', headers.authority], ...headers.entries()];
    const { method, path } = headers;
    this.seen = { method, path, headers: toRecord(lines), body: '', trailers: undefined, complete: end };
    if (end) this.answer();
  }

  data(chunk: Uint8Array, end: boolean): void {
    const seen = this.seen as UpstreamRequestSeen;
    seen.body += Buffer.from(chunk).toString();
    if (end) this.end();
  }

  trailers(trailers: Headers): void {
    (this.seen as UpstreamRequestSeen).trailers = toRecord(trailers.entries());
    this.end();
  }

  private end(): void {
    (this.seen as UpstreamRequestSeen).complete = true;
    this.answer();
  }

  private answer(): void {
    if (typeof this.script !== 'function') {
      this.play(this.script);
      return;
    }
    const response = this.script(this.seen as UpstreamRequestSeen);
    if (!(response instanceof Promise)) this.play(response);
    else
      response.then(
        (ready) => this.play(ready),
        (error: unknown) => this.broken(error),
      );
  }

  private broken(error: unknown): void {
    this.stream.reply(502, `the scripted upstream failed: ${String(error)}`);
  }

  private play(response: ScriptedResponse): void {
    this.answered = true;
    this.parts = responseParts(response, this.stream);
    this.pump();
  }

  /** As a codec does: parts leave one after the other until the stream asks for a pause. */
  private pump(): void {
    if (this.playing) return;
    this.playing = true;
    while (this.parts.length > 0 && this.pauses === 0 && !this.stream.finished) (this.parts.shift() as () => void)();
    this.playing = false;
    this.stream.flushResponse();
  }

  // BodySource

  pause(): void {
    this.pauses++;
  }

  resume(): void {
    this.pauses--;
    if (this.pauses === 0) queueMicrotask(() => this.pump());
  }

  flushRequest(): void {}
}

function responseParts(response: ScriptedResponse, stream: TerminalStream): (() => void)[] {
  const { status = 200, body, trailers } = response;
  const chunks = toChunks(body);
  const head = new ResponseHead();
  head.status = status;
  for (const [name, value] of toLines(response.headers)) head.append(name, value);
  const listed = Array.isArray(body);
  if (chunks.length > 0 && !listed && trailers === undefined && !head.has('content-length')) {
    head.append('content-length', String(chunks[0]?.length));
  }
  const open = trailers !== undefined || (listed && !head.has('content-length'));
  const parts: (() => void)[] = [() => stream.respondHead(head, chunks.length === 0 && !open)];
  for (const [index, chunk] of chunks.entries()) {
    parts.push(() => respondOnce(stream, chunk, !open && index === chunks.length - 1));
  }
  if (trailers !== undefined) parts.push(() => stream.respondTrailers(headersOf(trailers)));
  else if (open) parts.push(() => stream.respondData(new Uint8Array(0), true, true));
  return parts;
}

/** The bytes are gone after the call, as a codec's are: a filter that keeps them without a copy is found out. */
function respondOnce(stream: TerminalStream, chunk: Uint8Array, end: boolean): void {
  const lent = Buffer.from(chunk);
  stream.respondData(lent, end, false);
  lent.fill(0xdd);
}

/** Fields as a header map. */
export function headersOf(input: HeadersInput): HeaderMap {
  const map = new HeaderMap();
  for (const [name, value] of toLines(input)) map.append(name, value);
  return map;
}

/** The upstream as the last filter of a plan; `exchangeOf` finds the exchange of a stream. */
export function scriptedUpstream(exchangeOf: (stream: TerminalStream) => ScriptedExchange): PlannedFilter {
  const filter: HttpFilter<undefined, TerminalStream> = {
    onRequestHeaders: (headers, stream, _state, end) => exchangeOf(stream).begin(headers, stream, end),
    onRequestData: (chunk, stream, _state, end) => exchangeOf(stream).data(chunk, end),
    onRequestTrailers: (trailers, stream) => exchangeOf(stream).trailers(trailers),
  };
  return {
    name: UPSTREAM_NAME,
    definitionName: UPSTREAM_NAME,
    filter: filter as HttpFilter<never, never>,
    newState: undefined,
  };
}
