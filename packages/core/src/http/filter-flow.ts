/**
 * One direction of a stream whose filters park, hold or take their time. Streams whose hooks all answer at once never
 * make one of these. Invariants: parts leave in the order in which they came; while a filter is parked nothing new
 * enters the chain (it waits here, and the source is paused); what is buffered is bounded.
 */
import type { Headers } from '../api/headers.ts';
import type { TerminalStream } from '../api/http-stream.ts';
import { HOLD, isPromise, REPLIED, STOP, unexpected } from './answers.ts';
import type { DirectionPlan, Step } from './filter-plan.ts';

/** The stream's side of a flow. */
export interface FlowHost {
  readonly stream: TerminalStream;
  readonly plan: DirectionPlan;
  readonly limitBytes: number;
  state(slot: number): unknown;
  head(): Headers;
  /** Past the last filter. */
  deliverHead(end: boolean): void;
  deliverData(chunk: Uint8Array, end: boolean, owned: boolean): void;
  deliverTrailers(trailers: Headers): void;
  delivered(): void;
  pauseSource(): void;
  resumeSource(): void;
  tooLarge(): void;
  failed(filter: string, error: unknown): void;
  /** The stream was answered or reset: nothing may go on. */
  stopped(): boolean;
}

/** Bytes that one filter holds back, and whether the head waits with them. */
interface Held {
  chunks: Uint8Array[];
  head: boolean;
}

const EMPTY = new Uint8Array(0);
/** One read may be on its way when the source is told to stop. */
const READ_BYTES = 65_536;

export class FilterFlow {
  private readonly host: FlowHost;
  private readonly ownHeld = new Map<number, Held>();
  private bufferedBytes = 0;
  private parked = false;
  /** Parked by a promise: only its settling goes on. */
  private awaiting = false;
  /** The filter asked to go on before its promise settled with STOP. */
  private resumeAsked = false;
  private sourcePaused = false;
  /** The head waits in front of this filter; -1 when it has left. */
  private headAt = -1;
  private headEnd = false;
  /** The filter that parked with a data or trailers answer; what it holds leaves when it resumes. */
  private parkedAt = -1;
  private parkedEnd = false;
  /** Data and trailers that a resumed filter lets go on, in order. */
  private transit: Uint8Array | undefined = undefined;
  private transitFrom = 0;
  private transitEnd = false;
  private transitTrailers: Headers | undefined = undefined;
  private trailersFrom = 0;
  /** Parts that came while parked. */
  private readonly queue: Uint8Array[] = [];
  private queueEnd = false;
  private queueTrailers: Headers | undefined = undefined;

  constructor(host: FlowHost) {
    this.host = host;
  }

  /** Nothing is parked or over. A filter that merely holds bytes back does not stop what comes behind them. */
  private flows(): boolean {
    return !this.parked && !this.host.stopped();
  }

  // Parking

  private park(): void {
    this.parked = true;
    if (this.sourcePaused) return;
    this.sourcePaused = true;
    this.host.pauseSource();
  }

  /** Parks until `promise` settles. `then` gets the answer; a rejection is the filter's failure. */
  private await(promise: PromiseLike<unknown>, step: Step, then: (answer: unknown) => void): void {
    this.park();
    this.awaiting = true;
    this.resumeAsked = false;
    promise.then(
      (answer) => {
        if (this.host.stopped()) return;
        this.awaiting = false;
        then(answer);
        if (this.resumeAsked) this.resume();
      },
      (error: unknown) => {
        if (!this.host.stopped()) this.host.failed(step.name, error);
      },
    );
  }

  /** Takes up a direction that a filter parked with STOP. */
  resume(): void {
    if (!this.parked || this.host.stopped()) return;
    this.resumeAsked = this.awaiting;
    if (this.awaiting) return;
    this.parked = false;
    this.releaseParked();
    this.drain();
  }

  /** Parts in transit first, then what waited at the entrance; stops as soon as something parks again. */
  private drain(): void {
    if (!this.headMoves() || !this.transitMoves() || !this.queueMoves()) return;
    if (this.sourcePaused) {
      this.sourcePaused = false;
      this.host.resumeSource();
    }
    this.host.delivered();
  }

  private headMoves(): boolean {
    const from = this.headAt;
    if (from < 0) return true;
    for (const held of this.ownHeld.values()) if (held.head) return true;
    this.headAt = -1;
    return this.walkHead(from, this.headEnd);
  }

  private transitMoves(): boolean {
    const chunk = this.transit;
    if (chunk !== undefined) {
      this.transit = undefined;
      this.bufferedBytes -= chunk.length;
      if (!this.walkData(chunk, this.transitFrom, this.transitEnd)) return false;
    }
    const trailers = this.transitTrailers;
    if (trailers === undefined) return true;
    this.transitTrailers = undefined;
    return this.walkTrailers(trailers, this.trailersFrom);
  }

  private queueMoves(): boolean {
    while (this.queue.length > 0) {
      const chunk = this.queue.shift() as Uint8Array;
      this.bufferedBytes -= chunk.length;
      const end = this.queueEnd && this.queue.length === 0;
      if (end) this.queueEnd = false;
      if (!this.walkData(chunk, 0, end)) return false;
    }
    const trailers = this.queueTrailers;
    if (trailers === undefined) return true;
    this.queueTrailers = undefined;
    return this.walkTrailers(trailers, 0);
  }

  // The head

  /** A head hook answered something else than "go on". True: continue with the next filter. */
  headAnswer(answer: unknown, step: Step, end: boolean): boolean {
    if (answer === undefined) return true;
    if (answer === REPLIED) return false;
    this.headAt = step.order + 1;
    this.headEnd = end;
    if (isPromise(answer)) {
      this.await(answer, step, (value) => this.headSettled(value, step, end));
    } else if (answer === HOLD && this.holdsHead(step, end)) {
      this.hold(step.order).head = true;
    } else if (answer === STOP || answer === HOLD) {
      this.park();
    } else this.host.failed(step.name, unexpected(answer));
    return false;
  }

  private headSettled(answer: unknown, step: Step, end: boolean): void {
    if (answer === HOLD && this.holdsHead(step, end)) this.hold(step.order).head = true;
    else if (answer === STOP || answer === HOLD) return;
    else if (answer !== undefined) {
      this.host.failed(step.name, unexpected(answer));
      return;
    }
    this.resume();
  }

  /** Only a filter that will see data can let a held head go; for any other one HOLD is STOP. */
  private holdsHead(step: Step, end: boolean): boolean {
    return !end && this.host.plan.data.some(({ order }) => order === step.order);
  }

  /** Runs head hooks from filter `from` on; true unless something parked or ended. */
  private walkHead(from: number, end: boolean): boolean {
    const host = this.host;
    for (const step of host.plan.head) {
      if (step.order < from) continue;
      const answer = this.run(step, host.head(), end);
      if (host.stopped()) return false;
      if (!this.headAnswer(answer, step, end)) return this.flows();
    }
    host.deliverHead(end);
    return !host.stopped();
  }

  private run(step: Step, part: unknown, end: boolean): unknown {
    const host = this.host;
    try {
      return step.run(part, host.stream, host.state(step.slot), end);
    } catch (error) {
      host.failed(step.name, error);
      return undefined;
    }
  }

  // Data

  /** A new chunk from the source. */
  data(chunk: Uint8Array, end: boolean, owned: boolean): void {
    // A hook that answers with a promise may read the chunk until it settles; a codec's buffer does not live so long.
    const own = owned ? chunk : Buffer.from(chunk);
    if (!this.parked) {
      this.walkData(own, 0, end);
      return;
    }
    if (!this.account(own.length)) return;
    this.queue.push(own);
    this.queueEnd ||= end;
  }

  private account(bytes: number): boolean {
    this.bufferedBytes += bytes;
    if (this.bufferedBytes <= this.host.limitBytes + (this.parked ? READ_BYTES : 0)) return true;
    this.host.tooLarge();
    return false;
  }

  /** Runs data hooks from filter `from` on; true unless something parked or ended. */
  private walkData(first: Uint8Array, from: number, end: boolean): boolean {
    const host = this.host;
    let chunk = first;
    for (const step of host.plan.data) {
      if (step.order < from) continue;
      const answer = this.run(step, chunk, end);
      if (host.stopped()) return false;
      const next = this.dataAnswer(answer, step, chunk, end);
      if (next === undefined) return this.flows();
      chunk = next;
    }
    host.deliverData(chunk, end, chunk === first);
    return !host.stopped();
  }

  /** What goes on behind `step` after its data hook's answer: bytes, or `undefined` when nothing does for now. */
  dataAnswer(answer: unknown, step: Step, chunk: Uint8Array, end: boolean): Uint8Array | undefined {
    if (answer === undefined || answer instanceof Uint8Array) {
      const out = answer ?? chunk;
      return this.ownHeld.has(step.order) ? this.release(step.order, out, end) : out;
    }
    if (isPromise(answer)) this.dataPromise(answer, step, chunk, end);
    else if (answer === HOLD) this.holdBack(step.order, chunk, end);
    else if (answer === STOP) {
      this.parkAt(step.order, end);
      this.keep(step.order, chunk);
    } else if (answer !== REPLIED) this.host.failed(step.name, unexpected(answer));
    return undefined;
  }

  private dataPromise(answer: PromiseLike<unknown>, step: Step, chunk: Uint8Array, end: boolean): void {
    this.await(answer, step, (value) => {
      this.parked = false;
      const next = this.dataAnswer(value, step, chunk, end);
      if (next !== undefined) this.setTransit(next, step.order + 1, end);
      if (this.flows()) this.drain();
    });
  }

  private holdBack(order: number, chunk: Uint8Array, end: boolean): void {
    if (this.keep(order, chunk) && end) this.parkAt(order, end);
  }

  private parkAt(order: number, end: boolean): void {
    this.parkedAt = order;
    this.parkedEnd = end;
    this.park();
  }

  private keep(order: number, chunk: Uint8Array): boolean {
    if (!this.account(chunk.length)) return false;
    const held = this.hold(order);
    // It may be the answer of a filter in front, which is free to use its buffer again.
    if (chunk.length > 0) held.chunks.push(new Uint8Array(chunk));
    return true;
  }

  private hold(order: number): Held {
    let held = this.ownHeld.get(order);
    if (held === undefined) {
      held = { chunks: [], head: false };
      this.ownHeld.set(order, held);
    }
    return held;
  }

  private releaseParked(): void {
    const order = this.parkedAt;
    this.parkedAt = -1;
    const held = this.ownHeld.get(order);
    if (held === undefined) return;
    this.ownHeld.delete(order);
    const bytes = join(held.chunks, EMPTY);
    this.bufferedBytes -= bytes.length;
    this.setTransit(bytes, order + 1, this.parkedEnd);
  }

  private setTransit(chunk: Uint8Array, from: number, end: boolean): void {
    this.bufferedBytes += chunk.length;
    this.transit = chunk;
    this.transitFrom = from;
    this.transitEnd = end;
  }

  /** Lets go of what filter `order` held, the head first; `undefined` when the head parked on its way. */
  private release(order: number, last: Uint8Array, end: boolean): Uint8Array | undefined {
    const held = this.ownHeld.get(order) as Held;
    this.ownHeld.delete(order);
    const bytes = join(held.chunks, last);
    this.bufferedBytes -= bytes.length - last.length;
    if (!held.head) return bytes;
    const from = this.headAt;
    this.headAt = -1;
    if (this.walkHead(from, false)) return bytes;
    if (!this.host.stopped()) this.setTransit(bytes, order + 1, end);
    return undefined;
  }

  // Trailers

  /** The trailers from the source. */
  trailers(trailers: Headers): void {
    if (this.parked) this.queueTrailers = trailers;
    else this.walkTrailers(trailers, 0);
  }

  /** Runs trailers hooks; what a filter still holds leaves before the trailers do. */
  private walkTrailers(trailers: Headers, from: number): boolean {
    const host = this.host;
    const count = chainLength(host.plan);
    for (let order = from; order < count; order++) {
      const step = host.plan.trailers.find((each) => each.order === order);
      if (step !== undefined && !this.trailersHook(step, trailers)) return false;
      if (this.flushHeld(order)) continue;
      this.setTransitTrailers(trailers, order + 1);
      return false;
    }
    host.deliverTrailers(trailers);
    return !host.stopped();
  }

  private trailersHook(step: Step, trailers: Headers): boolean {
    const host = this.host;
    const answer = this.run(step, trailers, true);
    if (host.stopped()) return false;
    if (answer === undefined) return true;
    this.setTransitTrailers(trailers, step.order + 1);
    this.parkedAt = step.order;
    this.parkedEnd = false;
    if (isPromise(answer)) this.await(answer, step, (value) => this.trailersSettled(value, step));
    else if (answer === STOP || answer === HOLD) this.park();
    else host.failed(step.name, unexpected(answer));
    return false;
  }

  private trailersSettled(answer: unknown, step: Step): void {
    if (answer === undefined) this.resume();
    else if (answer !== STOP && answer !== HOLD) this.host.failed(step.name, unexpected(answer));
  }

  private setTransitTrailers(trailers: Headers, from: number): void {
    this.transitTrailers = trailers;
    this.trailersFrom = from;
  }

  private flushHeld(order: number): boolean {
    if (!this.ownHeld.has(order)) return true;
    const bytes = this.release(order, EMPTY, false);
    return bytes !== undefined && this.walkData(bytes, order + 1, false);
  }
}

function chainLength(plan: DirectionPlan): number {
  return Math.max(-1, plan.data.at(-1)?.order ?? -1, plan.trailers.at(-1)?.order ?? -1) + 1;
}

function join(chunks: readonly Uint8Array[], last: Uint8Array): Uint8Array {
  if (chunks.length === 0) return last;
  return Buffer.concat(last.length === 0 ? chunks : [...chunks, last]);
}
