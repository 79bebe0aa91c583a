/** Load on a lane, and what it was like. */
import { type LoadReport, runLoad } from '../reliability/load.ts';

const CONNECTIONS = 8;
const REQUEST = 'GET /observed HTTP/1.1\r\nhost: h\r\n\r\n';

/** What the clients of a lane have seen. */
export interface Measured {
  /** Whole answers with 200. */
  readonly good: number;
  /** Everything else, in words; empty when all is well. */
  readonly bad: readonly string[];
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Sends so many requests, or requests for so many milliseconds. */
export async function measure(
  port: number,
  amount: { readonly requests: number } | { readonly ms: number },
): Promise<Measured> {
  let sent = 0;
  const endMs = performance.now() + ('ms' in amount ? amount.ms : 0);
  const more = 'ms' in amount ? () => performance.now() < endMs : () => sent++ < amount.requests;
  return summary(await runLoad({ port, connections: CONNECTIONS, next: () => (more() ? REQUEST : undefined) }));
}

function summary({ statuses, lost, refused, times }: LoadReport): Measured {
  const { 200: good = 0, ...others } = statuses;
  const bad = [...Object.entries(others), ...Object.entries(lost), ...Object.entries(refused)];
  const quantile = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { good, bad: bad.map(([what, count]) => `${what}: ${count}`), p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}
