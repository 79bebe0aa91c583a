/** Where an attack ends otherwise here than with Envoy, and at which frame each limit is passed. */
import { EXPECTED, type Expected } from './expected.ts';

interface Different extends Expected {
  readonly why: string;
}

const PREMATURE = 'downstream_rq_too_many_premature_resets';
const PROTOCOL = 'downstream_cx_protocol_error';

/** Name of the attack → how it ends here. */
const DIFFERENT: Readonly<Record<string, Different>> = {
  'made you reset: window beyond 2³¹': {
    closed: true,
    stats: [PREMATURE, PROTOCOL, 'tx_reset'],
    why: 'RFC 9113 6.9.1 leaves the choice; a stream error is the smaller answer, and 250 of them are too many',
  },
  'made you reset: depends on itself': {
    closed: true,
    stats: [PROTOCOL],
    why: 'an error of the connection at once; Envoy ignores it, and closes for the requests beyond the stream limit',
  },
  'streams beyond the limit': {
    closed: false,
    stats: ['tx_reset'],
    why: 'Envoy queues the refusals of all that it has read, over 1000 of them; here a refusal is written and done with',
  },
  continuation: {
    closed: true,
    stats: [PROTOCOL],
    why: 'there are too many frames before there are too many bytes: 8, and one for each 8 KiB of the limit',
  },
  'header bomb: count': {
    closed: true,
    stats: [PROTOCOL, 'header_list_size_too_large'],
    why: 'the block is not kept beyond the size limit of a head and a frame; Envoy decodes 169 kB of it first',
  },
  'header bomb: size': {
    closed: true,
    stats: [PROTOCOL, 'header_list_size_too_large'],
    why: 'Envoy fails to decode a string of over 64 kB; the limit of the whole head comes first here',
  },
};

/** How the attack of that name ends here. */
export function ours(name: string): Expected {
  const expected = DIFFERENT[name] ?? EXPECTED[name];
  if (expected === undefined) throw new Error(`nothing is expected of ${name}`);
  return expected;
}

/** `lives` of an attack's frames or requests are let through, and with `closes` the connection ends. */
export interface Limit {
  readonly lives?: number;
  readonly closes: number;
}

/** Name of the attack → its published limit (docs of `Http2ProtocolOptions`, and `premature_reset_total_stream_count`). */
export const LIMITS: Readonly<Record<string, Limit>> = {
  // Half of 500.
  'rapid reset': { lives: 249, closes: 250 },
  'rapid reset of uploads': { lives: 249, closes: 250 },
  'made you reset: window beyond 2³¹': { lives: 249, closes: 250 },
  // 1000 answers that no write has taken: those to the SETTINGS of the preface and to the last PING count as well.
  settings: { lives: 998, closes: 1001 },
  ping: { lives: 998, closes: 1001 },
  // One in a row.
  'empty data': { lives: 1, closes: 2 },
  'padding only data': { lives: 1, closes: 2 },
  // The HEADERS frame is empty, too.
  'empty headers and continuations': { closes: 1 },
  // 100 × (1 + streams).
  priority: { lives: 100, closes: 101 },
  // 5 + 2 × (streams + 10 × DATA frames sent).
  'window update': { lives: 5, closes: 6 },
  'window update of a stream': { lives: 7, closes: 8 },
  // A burst of 1000, and 33 per second (nghttp2).
  'reset of closed streams': { lives: 1000, closes: 1001 },
};
