/** What Envoy 1.40 did under each attack, with its default settings and a route to an upstream. */

/** How an attack ends. */
export interface Expected {
  /** The connection is closed; otherwise it goes on, and what was wrong cost a stream at most. */
  readonly closed: boolean;
  /** Counters that grew, below `http2.` or, with `downstream_`, of the connection manager. */
  readonly stats: readonly string[];
  /** Error code of RST_STREAM frames, when the connection goes on. */
  readonly reset?: number;
}

const PREMATURE = ['downstream_rq_too_many_premature_resets'];
const PROTOCOL = ['downstream_cx_protocol_error'];
const MESSAGING = ['downstream_cx_protocol_error', 'rx_messaging_error'];
const TOO_LARGE: Expected = { closed: false, stats: ['header_list_size_too_large', 'tx_reset'], reset: 2 };

const closed = (...stats: string[]): Expected => ({ closed: true, stats });
const alive: Expected = { closed: false, stats: [] };

/** Name of the attack → how it ends. */
export const EXPECTED: Readonly<Record<string, Expected>> = {
  // After 250 resets, half of the 500 streams of the limit.
  'rapid reset': closed(...PREMATURE, ...PROTOCOL, 'rx_reset'),
  'rapid reset of uploads': closed(...PREMATURE, ...PROTOCOL, 'rx_reset'),
  'made you reset: window update of 0': closed(...PROTOCOL),
  'made you reset: window beyond 2³¹': closed(...PROTOCOL),
  'made you reset: data after the end': closed(...PROTOCOL),
  'made you reset: head after the end': closed(...PROTOCOL),
  'made you reset: priority of 4 bytes': closed(...PROTOCOL),
  'made you reset: depends on itself': closed(...PREMATURE, 'outbound_control_flood', 'tx_reset'),
  'made you reset: trailers without an end': closed(...MESSAGING),
  'made you reset: not HTTP': closed(...MESSAGING),
  settings: closed('outbound_control_flood'),
  ping: closed('outbound_control_flood'),
  'empty data': closed('inbound_empty_frames_flood'),
  'padding only data': closed('inbound_empty_frames_flood'),
  'empty headers and continuations': closed('inbound_empty_frames_flood'),
  priority: closed('inbound_priority_frames_flood'),
  'window update': closed('inbound_window_update_frames_flood'),
  'window update of a stream': closed('inbound_window_update_frames_flood'),
  'reset of closed streams': closed(...PROTOCOL, 'rx_reset'),
  // RST_STREAM for each; no more than 1000 answers may wait.
  'streams beyond the limit': closed(...PREMATURE, 'outbound_control_flood', 'tx_reset'),
  // They cost nothing to answer, and Envoy has no limit.
  'unknown frames': alive,
  continuation: closed(...PROTOCOL, 'header_list_size_too_large'),
  'continuation, without a field that ends': closed(...PROTOCOL),
  'header bomb: count': { closed: false, stats: ['header_overflow', 'tx_reset'], reset: 2 },
  'header bomb: size': closed(...PROTOCOL),
  'header bomb: references': TOO_LARGE,
  'header bomb: cookie crumbs': TOO_LARGE,
  'header bomb: hosts': closed(...MESSAGING),
  'header bomb: trailers': TOO_LARGE,
  'zero window': alive,
  'open uploads': alive,
};
