/**
 * The way of the response: filters, codec, back-pressure, and the answers that are made here. Hooks that answer at once
 * are walked with a plain loop; the first one that parks or holds hands the direction to a `FilterFlow`.
 */

import type { Headers, RequestHeaders, ResponseHeaders } from '../api/headers.ts';
import type { BodySource, Replied, ReplyHeaders, ReplyOptions, TerminalStream } from '../api/http-stream.ts';
import type { Route } from '../api/route.ts';
import { ResponseFlag } from '../errors.ts';
import type { ResponseHead } from '../headers/header-map.ts';
import { REPLIED } from './answers.ts';
import { FilterFlow } from './filter-flow.ts';
import type { Step } from './filter-plan.ts';
import { ResponseFlowHost } from './flow-hosts.ts';
import { type LocalReply, mappedReply, plainReply, replyBody } from './local-reply.ts';
import { StreamFacts } from './stream-facts.ts';

export abstract class ResponseStream extends StreamFacts implements TerminalStream {
  private responseFlow: FilterFlow | undefined = undefined;
  protected source: BodySource | undefined = undefined;
  private sourcePauses = 0;
  protected blocked = false;

  abstract resumeRequest(): void;
  abstract recreate(body: Uint8Array | undefined, trailers: Headers | undefined, head?: ResponseHeaders): void;

  findRoute(headers: RequestHeaders): Route | undefined {
    return this.manager.findRoute(headers, this);
  }

  // Hooks

  protected run(step: Step, part: unknown, end: boolean): unknown {
    try {
      return step.run(part, this, this.state(step.slot), end);
    } catch (error) {
      this.filterFailed(step.name, error);
      return undefined;
    }
  }

  private flowResponse(): FilterFlow {
    this.responseFlow ??= new FilterFlow(new ResponseFlowHost(this));
    return this.responseFlow;
  }

  /** A hook threw or its promise rejected: this stream pays, with a 500 or a reset, and nobody else. */
  filterFailed(filter: string, error: unknown): void {
    if (this.over) return;
    this.manager.filterError(filter, error);
    this.fail(500, 'Internal Server Error', `filter_error{${filter}}`);
  }

  /** A response filter held back more than the limit. */
  responseTooLarge(): void {
    this.fail(500, 'Internal Server Error', 'response_payload_too_large');
  }

  /** The client's message broke HTTP in its middle. */
  protocolError(status: number, text: string, details: string): void {
    if (!this.over) this.fail(status, text, details, ResponseFlag.DPE);
  }

  /** Ends a broken exchange. The trouble may sit in the response path, so the reply goes around the filters. */
  private fail(status: number, text: string, details: string, flag = 0): void {
    this.details = details;
    if (this.responseCommitted) {
      this.reset(flag);
      return;
    }
    const { head, body } = this.makeReply(status, replyBody(text));
    // As in Envoy the flag is for the log of the exchange; formats of the reply do not see it.
    this.flags |= flag;
    this.commitReply(head, body);
  }

  // Answers made here

  reply(status: number, body?: string | Uint8Array, headers?: ReplyHeaders, options?: ReplyOptions): Replied {
    if (this.finished) return REPLIED;
    if (options?.flag !== undefined) this.flags |= options.flag;
    if (options?.details !== undefined) this.details = options.details;
    if (this.responseCommitted) {
      this.reset();
      return REPLIED;
    }
    // A request that is wrong in itself: what follows it on the connection may be wrong as well.
    if (status === 400 && !this.manager.settings.keepOnBadRequest) this.writer.closeAfterResponse();
    const made = this.makeReply(status, replyBody(body), headers, options?.modify);
    if (options?.grpcStatus !== undefined && this.grpc) made.head.put('grpc-status', String(options.grpcStatus));
    // The response path is already being walked: the reply cannot walk it a second time.
    if (this.responseStarted) this.commitReply(made.head, made.body);
    else this.walkReply(made.head, made.body);
    return REPLIED;
  }

  private makeReply(
    status: number,
    body: Uint8Array | undefined,
    headers?: ReplyHeaders,
    modify?: (head: ResponseHead) => void,
  ): LocalReply {
    const { localReply } = this.manager.settings;
    if (localReply !== undefined) return mappedReply(localReply, this, status, body, headers, modify);
    return plainReply(this.grpc, status, body, headers, modify);
  }

  private walkReply(head: ResponseHead, body: Uint8Array | undefined): void {
    this.replied = true;
    const end = body === undefined || this.grpc || this.requestHeaders.rawMethod === 'HEAD';
    this.ownRespondHead(head, end);
    if (!end) this.ownRespondData(body, true, true);
    this.flushResponse();
  }

  private commitReply(head: ResponseHead, body: Uint8Array | undefined): void {
    this.replied = true;
    this.responseStarted = true;
    this.responseHeaders = head;
    const end = body === undefined || this.grpc || this.requestHeaders.rawMethod === 'HEAD';
    this.sendHead(head, end);
    if (!end) this.sendData(body, true, true);
  }

  reset(flag = 0): void {
    if (this.over) return;
    this.flags |= flag;
    this.manager.stats.downstream_rq_tx_reset.value++;
    this.finish();
    // As in Envoy; only HTTP/2 can tell the two apart.
    this.writer.reset(this.upgraded ? 'remote error with CONNECT request' : 'local reset');
  }

  // TerminalStream: the response path

  resumeResponse(): void {
    this.responseFlow?.resume();
    this.flushResponse();
  }

  setSource(source: BodySource | undefined): void {
    this.source = source;
    for (let i = 0; source !== undefined && i < this.sourcePauses; i++) source.pause();
  }

  pauseRequest(): void {
    this.writer.pauseRequest();
  }
  resumeRequestBody(): void {
    this.writer.resumeRequest();
  }

  /** Counted; the producer of the response is told to wait. */
  pauseSource(): void {
    this.sourcePauses++;
    this.source?.pause();
  }
  resumeSource(): void {
    if (this.sourcePauses === 0) return;
    this.sourcePauses--;
    this.source?.resume();
  }

  respondInterim(head: ResponseHeaders): void {
    if (this.finished || this.responseStarted || !this.manager.settings.proxy100Continue) return;
    this.writer.writeInterim(head);
  }

  // What the terminal filter still sends once the exchange was answered elsewhere is dropped.

  respondHead(head: ResponseHeaders, end: boolean): void {
    if (!this.finished && !this.responseStarted) this.ownRespondHead(head, end);
  }

  respondData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    if (!this.finished) this.ownRespondData(chunk, end, owned);
  }

  respondTrailers(trailers: Headers): void {
    if (this.finished) return;
    this.responseTrailers = trailers;
    if (this.responseFlow !== undefined) this.responseFlow.trailers(trailers);
    else if (this.plan.response.trailers.length > 0) this.flowResponse().trailers(trailers);
    else this.commitTrailers(trailers);
  }

  private ownRespondHead(head: ResponseHeaders, end: boolean): void {
    this.lastActivityMs = this.manager.wheel.nowMs();
    this.responseStarted = true;
    this.responseHeaders = head as ResponseHead;
    const steps = this.plan.response.head;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step;
      const answer = this.run(step, head, end);
      if (this.over) return;
      if (answer === undefined) continue;
      if (this.flowResponse().headAnswer(answer, step, end)) continue;
      return;
    }
    this.sendHead(this.responseHeaders as ResponseHead, end);
  }

  private ownRespondData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    if (this.over) return;
    this.lastActivityMs = this.manager.wheel.nowMs();
    if (this.responseFlow !== undefined) this.responseFlow.data(chunk, end, owned);
    else if (this.plan.response.data.length > 0) this.walkResponseData(chunk, end, owned);
    else this.sendData(chunk, end, owned);
  }

  private walkResponseData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    const { data: steps, keepsChunks } = this.plan.response;
    // A hook that answers with a promise may read the chunk until it settles; a codec's buffer does not live so long.
    const own = owned || !keepsChunks ? chunk : Buffer.from(chunk);
    let part: Uint8Array = own;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step;
      const answer = this.run(step, part, end);
      if (this.over) return;
      if (answer === undefined) continue;
      if (answer instanceof Uint8Array) part = answer;
      else {
        this.flowResponse().dataAnswer(answer, step, part, end);
        return;
      }
    }
    this.sendData(part, end, part === own && (owned || keepsChunks));
  }

  /** Sends what this turn has queued and applies back-pressure to the source. */
  flushResponse(): void {
    if (this.over) return;
    if (this.writer.flush() || this.blocked) return;
    this.blocked = true;
    this.manager.stats.downstream_flow_control_paused_reading_total.value++;
    this.pauseSource();
  }

  // Behind the last response filter

  commitHead(end: boolean): void {
    this.sendHead(this.responseHeaders as ResponseHead, end);
  }
  commitData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    this.sendData(chunk, end, owned);
  }
  commitTrailers(trailers: Headers): void {
    if (this.over) return;
    this.responseEnded = true;
    this.finish();
    this.writer.writeTrailers(trailers);
  }

  private sendHead(head: ResponseHead, end: boolean): void {
    if (this.over) return;
    this.responseCommitted = true;
    this.downstreamTxBeginMs = this.manager.wheel.nowMs();
    this.manager.finishHead(head, this);
    if (this.upgraded) this.tellTunnel(head);
    if (end) this.endResponse();
    this.writer.writeHead(head, end);
  }

  private tellTunnel({ status }: ResponseHead): void {
    if (status === 101 || (this.requestHeaders.rawPath === '' && status >= 200 && status < 300)) {
      this.manager.logs?.tunnel?.(this);
    }
  }

  private sendData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    if (this.over) return;
    this.bytesSent += chunk.length;
    if (end) this.endResponse();
    this.writer.writeData(chunk, end, owned);
  }

  /** The response's last part is about to go out; filters see the end before the codec may start the next request. */
  private endResponse(): void {
    this.responseEnded = true;
    this.finish();
  }

  // The end

  protected finish(): void {
    this.over = true;
    this.dropDeadline();
    this.endMs = this.manager.wheel.nowMs();
    const steps = this.plan.complete;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step;
      try {
        step.run(undefined, this, this.state(step.slot), true);
      } catch (error) {
        this.manager.filterError(step.name, error);
      }
    }
    const { manager } = this;
    if (manager.logs !== undefined) manager.logs.end(this);
    if (manager.tracing !== undefined) manager.tracing.end(this);
    manager.streamEnded(this);
    this.source = undefined;
  }
}
