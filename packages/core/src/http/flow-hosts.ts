/** How a parked direction reaches its stream: the request's end is the terminal filter, the response's is the codec. */
import type { Headers } from '../api/headers.ts';
import type { FlowHost } from './filter-flow.ts';
import type { DirectionPlan } from './filter-plan.ts';
import type { Stream } from './stream.ts';
import type { ResponseStream } from './stream-response.ts';

abstract class StreamFlowHost<S extends ResponseStream> {
  readonly stream: S;
  abstract readonly plan: DirectionPlan;
  constructor(stream: S) {
    this.stream = stream;
  }
  get limitBytes(): number {
    return this.stream.manager.settings.bufferLimitBytes;
  }
  state(slot: number): unknown {
    return this.stream.state(slot);
  }
  failed(filter: string, error: unknown): void {
    this.stream.filterFailed(filter, error);
  }
}

/** Requests end in the terminal filter, which is the last step of every phase: nothing is left to deliver. */
export class RequestFlowHost extends StreamFlowHost<Stream> implements FlowHost {
  get plan(): DirectionPlan {
    return this.stream.plan.request;
  }
  head(): Headers {
    return this.stream.requestHeaders;
  }
  deliverHead(): void {}
  deliverData(): void {}
  deliverTrailers(): void {}
  delivered(): void {
    this.stream.onBatchEnd();
  }
  pauseSource(): void {
    this.stream.pauseRequest();
  }
  resumeSource(): void {
    this.stream.resumeRequestBody();
  }
  tooLarge(): void {
    this.stream.manager.stats.downstream_rq_too_large.value++;
    this.stream.reply(413, 'Payload Too Large', undefined, { details: 'request_payload_too_large' });
  }
  stopped(): boolean {
    return this.stream.finished;
  }
}

export class ResponseFlowHost extends StreamFlowHost<ResponseStream> implements FlowHost {
  get plan(): DirectionPlan {
    return this.stream.plan.response;
  }
  head(): Headers {
    return this.stream.responseHeaders as Headers;
  }
  deliverHead(end: boolean): void {
    this.stream.commitHead(end);
  }
  deliverData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    this.stream.commitData(chunk, end, owned);
  }
  deliverTrailers(trailers: Headers): void {
    this.stream.commitTrailers(trailers);
  }
  delivered(): void {
    this.stream.flushResponse();
  }
  pauseSource(): void {
    this.stream.pauseSource();
  }
  resumeSource(): void {
    this.stream.resumeSource();
  }
  tooLarge(): void {
    this.stream.manager.stats.rs_too_large.value++;
    this.stream.responseTooLarge();
  }
  stopped(): boolean {
    return this.stream.over;
  }
}
