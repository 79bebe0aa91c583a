/** Ways to configure the tracer; each is a listener of its own. */
import type { Yaml } from '../envoy/scenario.ts';

/** One of them. */
export interface Variant {
  readonly name: string;
  /** Fields of `ZipkinConfig` beside the collector's. */
  readonly zipkin?: Yaml;
  /** Fields of the connection manager's `tracing`. */
  readonly tracing?: Yaml;
  /** All cases are played; the others get those that tell them apart. */
  readonly every?: boolean;
  /** The listener's direction is OUTBOUND. */
  readonly egress?: boolean;
}

export const variants: readonly Variant[] = [
  { name: 'plain', every: true },
  { name: 'egress', egress: true },
  { name: 'not-shared', zipkin: { shared_span_context: false } },
  { name: 'long-ids', zipkin: { trace_id_128bit: true } },
  { name: 'split', zipkin: { split_spans_for_request: true } },
  { name: 'split-egress', zipkin: { split_spans_for_request: true }, egress: true },
  { name: 'upstream-spans', tracing: { spawn_upstream_span: true } },
  {
    name: 'upstream-spans-not-shared',
    tracing: { spawn_upstream_span: true },
    zipkin: { shared_span_context: false, trace_id_128bit: true },
  },
  { name: 'w3c', every: true, zipkin: { trace_context_option: 'USE_B3_WITH_W3C_PROPAGATION' } },
  {
    name: 'w3c-not-shared',
    zipkin: { trace_context_option: 'USE_B3_WITH_W3C_PROPAGATION', shared_span_context: false, trace_id_128bit: true },
  },
  { name: 'w3c-egress', zipkin: { trace_context_option: 'USE_B3_WITH_W3C_PROPAGATION' }, egress: true },
  { name: 'verbose', tracing: { verbose: true } },
  { name: 'verbose-upstream', tracing: { verbose: true, spawn_upstream_span: true } },
  {
    name: 'tags',
    tracing: {
      custom_tags: [
        { tag: 'literal', literal: { value: 'a' } },
        { tag: 'header', request_header: { name: 'x-b3-spanid', default_value: 'none' } },
        { tag: 'absent', request_header: { name: 'x-absent' } },
        { tag: 'component', literal: { value: 'mine' } },
      ],
    },
  },
  { name: 'unsampled', tracing: { random_sampling: { value: 0 } } },
  {
    name: 'w3c-unsampled',
    tracing: { random_sampling: { value: 0 } },
    zipkin: { trace_context_option: 'USE_B3_WITH_W3C_PROPAGATION' },
  },
];
