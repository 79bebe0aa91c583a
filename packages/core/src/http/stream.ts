/**
 * One exchange: request in, response out, through the filters. Here is the way of the request; that of the response is in
 * `stream-response`, what is known of the exchange in `stream-facts`. The three are one class: what they share is too
 * much, and looked at too often, to be handed around. Hooks that answer at once are walked with a plain loop; the first
 * one that parks or holds hands its direction to a `FilterFlow`. Invariants: `onComplete` runs exactly once; after `over`
 * nothing reaches filters or the codec; an error in a hook ends this stream only.
 */
import type { RequestSink, ResetReason } from '../api/codec.ts';
import type { Headers, ResponseHeaders } from '../api/headers.ts';
import { ResponseFlag } from '../errors.ts';
import type { RequestHead, ResponseHead } from '../headers/header-map.ts';
import { FilterFlow } from './filter-flow.ts';
import type { Step } from './filter-plan.ts';
import { RequestFlowHost } from './flow-hosts.ts';
import { ResponseStream } from './stream-response.ts';

export class Stream extends ResponseStream implements RequestSink {
  private requestFlow: FilterFlow | undefined = undefined;

  // RequestSink: from the codec

  onHead(head: RequestHead, end: boolean): void {
    this.requestHeaders = head;
    if (end) this.completeRequest();
    this.armDeadline();
    if (this.owner.agentPending === true) this.owner.learnAgent?.(head.value('user-agent') ?? '');
    if (!this.manager.admit(this, head)) return;
    const steps = this.plan.request.head;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step;
      const answer = this.run(step, head, end);
      if (this.finished) break;
      if (answer === undefined) continue;
      if (this.flowRequest().headAnswer(answer, step, end)) continue;
      break;
    }
  }

  onData(chunk: Buffer, end: boolean, owned: boolean): void {
    if (this.over) return;
    this.bytesReceived += chunk.length;
    this.lastActivityMs = this.manager.wheel.nowMs();
    if (end) this.completeRequest();
    if (this.replied) return;
    if (this.requestFlow !== undefined) {
      this.chunkOwned = false;
      this.requestFlow.data(chunk, end, owned);
      return;
    }
    const { data: steps, keepsChunks } = this.plan.request;
    const own = owned || !keepsChunks ? chunk : Buffer.from(chunk);
    let part: Uint8Array = own;
    this.chunkOwned = owned || own !== chunk;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step;
      const answer = this.run(step, part, end);
      if (this.finished) return;
      if (answer === undefined) continue;
      this.chunkOwned = false;
      if (answer instanceof Uint8Array) part = answer;
      else {
        this.flowRequest().dataAnswer(answer, step, part, end);
        return;
      }
    }
  }

  onTrailers(trailers: Headers): void {
    if (this.over) return;
    this.requestTrailers = trailers;
    this.completeRequest();
    if (this.replied) return;
    if (this.requestFlow !== undefined) this.requestFlow.trailers(trailers);
    else if (this.plan.request.trailers.length > 0) this.flowRequest().trailers(trailers);
  }

  onBatchEnd(): void {
    this.source?.flushRequest();
  }

  onWritable(): void {
    if (!this.blocked) return;
    this.blocked = false;
    this.manager.stats.downstream_flow_control_resumed_reading_total.value++;
    this.resumeSource();
  }

  onReset(reason: ResetReason, details?: string): void {
    if (this.over) return;
    this.flags |= resetFlag(reason, details);
    this.details = details ?? 'downstream_remote_disconnect';
    this.finish();
  }

  private completeRequest(): void {
    this.requestComplete = true;
    this.requestCompleteMs = this.lastActivityMs;
  }

  private flowRequest(): FilterFlow {
    this.requestFlow ??= new FilterFlow(new RequestFlowHost(this));
    return this.requestFlow;
  }

  resumeRequest(): void {
    this.requestFlow?.resume();
  }

  // Another run

  recreate(body: Uint8Array | undefined, trailers: Headers | undefined, head?: ResponseHeaders): void {
    if (this.finished || this.responseStarted || !this.requestComplete) {
      this.reset();
      return;
    }
    this.responseHeaders = head as ResponseHead | undefined;
    this.passedOn = true;
    this.finish();
    const { owner, manager, requestHeaders } = this;
    const next = owner.nextRun?.(this) ?? manager.countStream(new Stream(manager, owner, this.writer, this));
    requestHeaders.seen = 0;
    next.onHead(requestHeaders, body === undefined && trailers === undefined);
    if (body !== undefined) next.onData(body as Buffer, trailers === undefined, true);
    if (trailers !== undefined) next.onTrailers(trailers);
    next.onBatchEnd();
  }
}

/** Envoy's flag: `DC` for a connection that is gone, `DR` for a stream that the client gave up, `DPE` for a broken one. */
function resetFlag(reason: ResetReason, details: string | undefined): number {
  if (details === undefined) return ResponseFlag.DC;
  return reason === 'protocol error' || reason === 'local reset' ? ResponseFlag.DPE : ResponseFlag.DR;
}
