/** Whether a request is traced, and why (Envoy's `mutateTracingRequestHeader`); the answer travels in its id. */
import type { RandomSource } from '../api/clock.ts';
import type { Runtime } from '../api/runtime.ts';
import type { TraceReason, TraceSampling } from '../api/tracing.ts';
import { type RequestHead, Seen } from '../headers/header-map.ts';
import { numberOfId, traceReasonOf, withTraceReason } from '../http/request-id.ts';

/** How a connection manager decides. */
export interface TraceDecisionOptions {
  readonly sampling: TraceSampling;
  readonly runtime: Runtime;
  readonly random: RandomSource;
  /** The reason is read from the id and written into it (`pack_trace_reason`). Default of Envoy true. */
  readonly packs: boolean;
  /** By the id; if not, all requests are traced (`use_request_id_for_trace_sampling`). Default of Envoy true. */
  readonly byId: boolean;
}

export class TraceDecision {
  private readonly options: TraceDecisionOptions;

  constructor(options: TraceDecisionOptions) {
    this.options = options;
  }

  /** `own` is the route's sampling. */
  decide(head: RequestHead, own: TraceSampling | undefined): TraceReason {
    const { byId, packs, runtime, sampling } = this.options;
    if (!byId) return 'sampling';
    const id = head.value('x-request-id');
    const number = id === undefined ? -1 : numberOfId(id);
    if (number < 0) return 'none';
    const share = number % 10_000;
    const shares = own ?? sampling;
    const known = packs ? traceReasonOf(id as string) : 'none';
    const reason = known === 'none' ? this.reason(head, shares, share) : known;
    if (reason === 'none') return 'none';
    const allowed = runtime.enabled(shares.overall, share) ? reason : 'none';
    // A reason that is taken back is written as well: the id may have had none in a form of its own.
    if (packs && (allowed !== known || allowed === 'none'))
      head.put('x-request-id', withTraceReason(id as string, allowed));
    return allowed;
  }

  private reason(head: RequestHead, { client, random }: TraceSampling, share: number): TraceReason {
    const { runtime } = this.options;
    if (head.value('x-client-trace-id') !== undefined && runtime.enabled(client, this.draw())) return 'client';
    // Taken from external clients by now.
    if ((head.seen & Seen.envoy) !== 0 && head.value('x-envoy-force-trace') !== undefined) return 'service';
    return runtime.enabled(random, share) ? 'sampling' : 'none';
  }

  private draw(): number {
    return Math.floor(this.options.random() * 1_000_000);
  }
}
