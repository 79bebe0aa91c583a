/** What clusters with `track_cluster_stats` hear of each attempt: sizes of heads and bodies, and how much of its time it took. */
import type { ClusterTracking, Headers, RequestHeaders, ResponseHeaders, Timers } from '@mesh/core';

/** `:method`, `:path`, `:authority` and `:scheme`. */
const PSEUDO_NAMES = 29;

/** What is known of the request while the attempt runs. */
export interface MeasuredRequest {
  readonly headers: RequestHeaders;
  /** Bytes of the request's body so far. */
  readonly bodyBytes: () => number;
  /** 0 is none. */
  readonly perTryMs: number;
}

/** `used` as a percentage of a timeout; of one without limit nothing is ever used. */
export function percentOfTimeout(usedMs: number, timeoutMs: number): number {
  return timeoutMs === 0 ? 0 : Math.trunc((usedMs * 100) / timeoutMs);
}

/** Measures one attempt. */
export class AttemptMeasure {
  private readonly tracking: ClusterTracking;
  private readonly request: MeasuredRequest;
  private readonly timers: Timers;
  private readonly startMs: number;
  private responseBytes = 0;

  constructor(tracking: ClusterTracking, request: MeasuredRequest, timers: Timers) {
    this.tracking = tracking;
    this.request = request;
    this.timers = timers;
    this.startMs = timers.nowMs();
  }

  /** The request's head is about to go out. */
  ready(): void {
    const { sizes } = this.tracking;
    if (sizes === undefined) return;
    const { headers } = this.request;
    const { bytes, fields } = sizeOf(headers);
    const { authority, method, path, scheme } = headers;
    const pseudo = PSEUDO_NAMES + method.length + path.length + authority.length + scheme.length;
    sizes.upstream_rq_headers_size.record(bytes + pseudo);
    sizes.upstream_rq_headers_count.record(fields + 4);
  }

  head(head: ResponseHeaders): void {
    const { sizes } = this.tracking;
    if (sizes === undefined) return;
    const { bytes, fields } = sizeOf(head);
    // `:status` and its three digits.
    sizes.upstream_rs_headers_size.record(bytes + 10);
    sizes.upstream_rs_headers_count.record(fields + 1);
  }

  data(bytes: number): void {
    this.responseBytes += bytes;
  }

  /** The attempt is over, however it went. */
  ended(): void {
    const { budgets, sizes } = this.tracking;
    if (budgets !== undefined) {
      const used = percentOfTimeout(Math.trunc(this.timers.nowMs() - this.startMs), this.request.perTryMs);
      budgets.upstream_rq_timeout_budget_per_try_percent_used.record(used);
    }
    if (sizes === undefined) return;
    sizes.upstream_rq_body_size.record(this.request.bodyBytes());
    sizes.upstream_rs_body_size.record(this.responseBytes);
  }
}

/** Names and values, without what separates them; as Envoy counts them. */
function sizeOf(headers: Headers): { bytes: number; fields: number } {
  let bytes = 0;
  headers.forEach((name, value) => {
    bytes += name.length + value.length;
  });
  return { bytes, fields: headers.size };
}
