/** One request under a tap. */
import type { Headers, HttpStream, RequestHeaders, ResponseHeaders } from '@mesh/core';
import type { TapMatch, TapMatcher } from './matcher.ts';
import type { TapOutput } from './outputs.ts';
import {
  downstreamJson,
  fields,
  messageJson,
  printTrace,
  requestFields,
  responseFields,
  TracedBody,
  upstreamJson,
} from './trace.ts';

/** A tap, made ready. */
export interface ActiveTap {
  readonly matcher: TapMatcher;
  readonly output: TapOutput;
  readonly streaming: boolean;
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  readonly asString: boolean;
  /** Printed with each trace, or the first piece of one; `undefined` when every request is looked at. */
  readonly share: object | undefined;
  readonly recordTimes: boolean;
  readonly recordDownstream: boolean;
  readonly recordUpstream: boolean;
  /** A trace found no room. */
  dropped(): void;
}

/** Heads and trailers are looked at once more at the end: the trace shows what has become of them, as in Envoy. */
export class Tapper {
  private readonly tap: ActiveTap;
  private readonly match: TapMatch;
  private readonly streamId: number;
  private requestHead: RequestHeaders | undefined = undefined;
  private requestBody: TracedBody | undefined = undefined;
  private requestTrailers: Headers | undefined = undefined;
  private responseHead: ResponseHeaders | undefined = undefined;
  private responseBody: TracedBody | undefined = undefined;
  private responseTrailers: Headers | undefined = undefined;
  private requestMs = 0;
  private responseMs = 0;
  /** Pieces are being told as they come. */
  private started = false;
  private first = true;

  constructor(tap: ActiveTap, streamId: number) {
    this.tap = tap;
    this.match = tap.matcher.newMatch();
    this.streamId = streamId;
  }

  onRequestHead(head: RequestHeaders, nowMs: number): void {
    this.requestHead = head;
    this.requestMs = nowMs;
    this.match.see('requestHeaders', head);
    this.goOn(() => {});
  }

  onRequestData(chunk: Uint8Array): void {
    // The end of a body in chunks; as in Envoy it is no piece.
    if (chunk.length === 0) return;
    this.match.see('requestBody', chunk);
    const limit = this.tap.maxRequestBytes;
    if (this.streams) {
      this.goOn(() => this.pieceOfBody('request_body_chunk', chunk, limit));
    } else if (this.gathers) {
      this.requestBody ??= new TracedBody();
      this.requestBody.add(chunk, limit);
    }
  }

  onRequestTrailers(trailers: Headers): void {
    this.match.see('requestTrailers', trailers);
    this.goOn(() => this.piece('request_trailers', { headers: fields(trailers) }));
    this.requestTrailers = trailers;
  }

  onResponseHead(head: ResponseHeaders, nowMs: number): void {
    this.responseMs = nowMs;
    this.match.see('responseHeaders', head);
    this.goOn(() => this.piece('response_headers', { headers: responseFields(head) }));
    this.responseHead = head;
  }

  onResponseData(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.match.see('responseBody', chunk);
    const limit = this.tap.maxResponseBytes;
    if (this.streams) {
      this.goOn(() => this.pieceOfBody('response_body_chunk', chunk, limit));
    } else if (this.gathers) {
      this.responseBody ??= new TracedBody();
      this.responseBody.add(chunk, limit);
    }
  }

  onResponseTrailers(trailers: Headers): void {
    this.match.see('responseTrailers', trailers);
    this.goOn(() => this.piece('response_trailers', { headers: fields(trailers) }));
    this.responseTrailers = trailers;
  }

  /** The exchange is over. True when it was tapped. */
  end(stream: HttpStream): boolean {
    if (!this.match.holds) return false;
    if (!this.tap.streaming) this.send({ http_buffered_trace: this.whole(stream) });
    return true;
  }

  private get streams(): boolean {
    return this.tap.streaming && this.match.holds;
  }

  /** Bodies are kept for as long as they may still be wanted. */
  private get gathers(): boolean {
    return this.match.holds || this.match.open;
  }

  /** Tells a piece when pieces are told; at first all that came before it. */
  private goOn(tell: () => void): void {
    if (!this.streams) return;
    if (!this.started) {
      this.started = true;
      this.tellPast();
    }
    tell();
  }

  private tellPast(): void {
    const { requestHead, requestBody, requestTrailers, responseHead, responseBody } = this;
    const { asString } = this.tap;
    if (requestHead !== undefined) this.piece('request_headers', { headers: requestFields(requestHead) });
    if (requestBody !== undefined) this.piece('request_body_chunk', requestBody.json(asString));
    if (requestTrailers !== undefined) this.piece('request_trailers', { headers: fields(requestTrailers) });
    if (responseHead !== undefined) this.piece('response_headers', { headers: responseFields(responseHead) });
    if (responseBody !== undefined) this.piece('response_body_chunk', responseBody.json(asString));
  }

  private pieceOfBody(name: string, chunk: Uint8Array, limit: number): void {
    const body = new TracedBody();
    body.add(chunk, limit);
    this.piece(name, body.json(this.tap.asString));
  }

  private piece(name: string, value: object): void {
    this.send({ http_streamed_trace_segment: { trace_id: String(this.streamId), [name]: value } });
  }

  private whole(stream: HttpStream): object {
    const { asString, recordDownstream, recordTimes, recordUpstream } = this.tap;
    const { requestHead, requestTrailers, responseHead, responseTrailers } = this;
    const request = messageJson(
      requestHead === undefined ? [] : requestFields(requestHead),
      this.requestBody?.json(asString),
      requestTrailers === undefined ? [] : fields(requestTrailers),
      recordTimes ? this.requestMs : undefined,
    );
    const response =
      responseHead &&
      messageJson(
        responseFields(responseHead),
        this.responseBody?.json(asString),
        responseTrailers === undefined ? [] : fields(responseTrailers),
        recordTimes ? this.responseMs : undefined,
      );
    return {
      request,
      ...(response !== undefined && { response }),
      ...(recordDownstream && { downstream_connection: downstreamJson(stream) }),
      ...(recordUpstream && { upstream_connection: upstreamJson(stream) }),
    };
  }

  private send(trace: object): void {
    const { output, share } = this.tap;
    const { first } = this;
    this.first = false;
    const text = printTrace(first && share !== undefined ? { ...trace, configured_sample_rate: share } : trace);
    if (!output.take(this.streamId, text, first)) this.tap.dropped();
  }
}
