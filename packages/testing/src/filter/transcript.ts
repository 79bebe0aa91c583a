/** What every hook of a chain saw and answered, as data and as text. */
import { HOLD, type HttpFilter, type HttpStream, STOP } from '@mesh/core';

/** The hooks of an HTTP filter. */
export type HookName =
  | 'onRequestHeaders'
  | 'onRequestData'
  | 'onRequestTrailers'
  | 'onResponseHeaders'
  | 'onResponseData'
  | 'onResponseTrailers'
  | 'onComplete';

/** One call of one hook. */
export interface TranscriptEntry {
  readonly filter: string;
  readonly hook: HookName;
  /** `GET /path`, `200`, `5 bytes`, `1 trailer`; empty for `onComplete`. */
  readonly part: string;
  /** The bytes of a data hook, as text. */
  readonly text: string | undefined;
  readonly end: boolean;
  /** `nothing`, `reply`, `5 bytes`, `HOLD`, `STOP`, `promise`, or `throws …`. */
  answer: string;
  /** What a promise settled to, in the same words, or `rejects …`; `undefined` while it has not. */
  settled: string | undefined;
}

const HOOKS: readonly HookName[] = [
  'onRequestHeaders',
  'onRequestData',
  'onRequestTrailers',
  'onResponseHeaders',
  'onResponseData',
  'onResponseTrailers',
];

export class Transcript {
  readonly entries: TranscriptEntry[] = [];

  /** One line per call: `[gate] onRequestData 5 bytes end -> nothing`. */
  get text(): string {
    return this.entries.map(line).join('\n');
  }

  toString(): string {
    return this.text;
  }

  /** `filter.hook` of every call, in order; handy for `toEqual`. */
  get calls(): string[] {
    return this.entries.map(({ filter, hook }) => `${filter}.${hook}`);
  }

  /** The hook that each direction waits for, with what it waits for; empty when no filter has parked the stream. */
  get parked(): string[] {
    return [this.parkedIn('onRequest'), this.parkedIn('onResponse')].filter((found) => found !== undefined);
  }

  private parkedIn(direction: 'onRequest' | 'onResponse'): string | undefined {
    const last = this.entries.findLast(({ hook }) => hook.startsWith(direction));
    if (last === undefined) return undefined;
    const where = `[${last.filter}] ${last.hook}`;
    if (last.answer === 'promise' && last.settled === undefined)
      return `${where} answered a promise that has not settled`;
    const answer = last.settled ?? last.answer;
    const resume = direction === 'onRequest' ? 'resumeRequest' : 'resumeResponse';
    if (answer === 'STOP') return `${where} answered STOP and stream.${resume}() was not called afterwards`;
    if (answer === 'HOLD' && last.end) {
      return `${where} answered HOLD to the last part and stream.${resume}() was not called afterwards`;
    }
    return undefined;
  }
}

function line({ filter, hook, part, end, answer, settled }: TranscriptEntry): string {
  const words = [`[${filter}]`, hook, part, end && hook !== 'onComplete' ? 'end' : ''].filter((word) => word !== '');
  const outcome = settled === undefined ? answer : `${answer} of ${settled}`;
  return `${words.join(' ')} -> ${outcome}`;
}

/** A filter that does what `filter` does and writes down each call; an absent hook stays absent. */
export function recorded(
  name: string,
  filter: HttpFilter<never, never>,
  transcriptOf: (stream: HttpStream) => Transcript,
): HttpFilter<never, never> {
  const hooks: Record<string, unknown> = {};
  for (const hook of HOOKS) {
    const original = filter[hook] as AnyHook | undefined;
    if (original === undefined) continue;
    hooks[hook] = (part: unknown, stream: HttpStream, state: unknown, end: boolean) => {
      const call = (given: unknown) => original.call(filter, given, stream, state, end);
      const run = part instanceof Uint8Array ? () => lend(part, call) : () => call(part);
      return record(transcriptOf(stream), name, hook, part, end ?? true, run);
    };
  }
  const complete = filter.onComplete as ((stream: HttpStream, state: unknown) => unknown) | undefined;
  if (complete !== undefined) {
    hooks.onComplete = (stream: HttpStream, state: unknown) =>
      record(transcriptOf(stream), name, 'onComplete', undefined, true, () => complete.call(filter, stream, state));
  }
  return hooks as HttpFilter<never, never>;
}

type AnyHook = (part: unknown, stream: HttpStream, state: unknown, end: boolean) => unknown;

function record(
  transcript: Transcript,
  filter: string,
  hook: HookName,
  part: unknown,
  end: boolean,
  run: () => unknown,
): unknown {
  const text = part instanceof Uint8Array ? Buffer.from(part).toString() : undefined;
  const entry: TranscriptEntry = {
    filter,
    hook,
    part: describePart(part),
    text,
    end,
    answer: 'nothing',
    settled: undefined,
  };
  transcript.entries.push(entry);
  try {
    const answer = run();
    entry.answer = describeAnswer(answer);
    if (isPromise(answer)) watch(answer, entry);
    return answer;
  } catch (error) {
    entry.answer = `throws ${String(error)}`;
    throw error;
  }
}

/**
 * A chunk is valid until its hook has answered. The hook gets a copy that is overwritten then, so that a filter which
 * keeps it is found out; changes in place and answers that are part of the chunk are carried over.
 */
function lend(chunk: Uint8Array, call: (lent: Uint8Array) => unknown): unknown {
  const { buffer } = new Uint8Array(chunk);
  const lent = Buffer.from(buffer);
  const takeBack = (answer: unknown) => {
    const out = answer instanceof Uint8Array && answer.buffer === buffer ? Buffer.from(answer) : answer;
    chunk.set(lent);
    lent.fill(0xdd);
    return out;
  };
  const answer = call(lent);
  return isPromise(answer) ? answer.then(takeBack) : takeBack(answer);
}

function watch(promise: PromiseLike<unknown>, entry: TranscriptEntry): void {
  promise.then(
    (value) => {
      entry.settled = describeAnswer(value);
    },
    (error: unknown) => {
      entry.settled = `rejects ${String(error)}`;
    },
  );
}

function describePart(part: unknown): string {
  if (part === undefined) return '';
  if (part instanceof Uint8Array) return `${part.length} bytes`;
  const head = part as { method?: string; path?: string; status?: number; size: number };
  if (head.method !== undefined) return `${head.method} ${head.path}`;
  if (head.status !== undefined) return String(head.status);
  return `${head.size} ${head.size === 1 ? 'trailer' : 'trailers'}`;
}

function describeAnswer(answer: unknown): string {
  if (answer === undefined) return 'nothing';
  if (answer === HOLD) return 'HOLD';
  if (answer === STOP) return 'STOP';
  if (answer instanceof Uint8Array) return `${answer.length} bytes`;
  if (isPromise(answer)) return 'promise';
  if ((answer as { replied?: boolean }).replied === true) return 'reply';
  return String(answer);
}

function isPromise(answer: unknown): answer is PromiseLike<unknown> {
  return typeof (answer as PromiseLike<unknown> | undefined)?.then === 'function';
}
