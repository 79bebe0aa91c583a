/** Tracing: the provider, what a connection manager does with it, and what routes say differently. */
import type { z } from 'zod';
import { customTag } from './custom-tags.ts';
import { extension } from './extension.ts';
import { formatText } from './format-text.ts';
import { type Field, message, required, withDefault } from './message.ts';
import { bool, fractionalPercent, list, nonEmpty, percent, string, uint32 } from './proto-json.ts';

/** Envoy `Tracing.Http`: where spans are reported. */
const tracingProvider = extension('tracer', { name: 'envoy.config.trace.v3.Tracing.Http', extra: {}, known: {} });

/** Envoy `Tracing`: the provider of connection managers that name none. */
export const bootstrapTracing = message({ http: tracingProvider }, { name: 'envoy.config.trace.v3.Tracing' });

const operations = {
  /** A format for the name of the span; '' leaves it to the authority and to decorators. */
  operation: withDefault(formatText(string()), ''),
  /** A format for the names of spans of attempts; '' leaves them at `router <cluster> egress`. */
  upstream_operation: withDefault(formatText(string()), ''),
} satisfies Record<string, Field>;

/** Envoy `HttpConnectionManager.Tracing`. */
export const managerTracing = message(
  {
    /** Percent of the requests with `x-client-trace-id` that are traced for it. Default 100. */
    client_sampling: percent,
    /** Percent of all requests. Default 100. */
    random_sampling: percent,
    /** Upper limit of both, in percent. Default 100. */
    overall_sampling: percent,
    /** Spans tell when bytes came and went. Default false. */
    verbose: withDefault(bool(), false),
    /** Characters of the path in `http.url`. */
    max_path_tag_length: withDefault(uint32(), 256),
    custom_tags: list(customTag),
    provider: tracingProvider,
    /** Attempts have spans of their own. Default false. */
    spawn_upstream_span: withDefault(bool(), false),
    ...operations,
    /** Spans are reported, and upstreams are not told of them. Default false. */
    no_context_propagation: withDefault(bool(), false),
  },
  {
    name: 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.Tracing',
    known: {
      operation_name: 'the listener says it: traffic_direction OUTBOUND is egress',
      request_headers_for_tags: 'use custom_tags with request_header',
    },
  },
);

/** Envoy `Tracing` of a route: each part of it takes the place of the connection manager's. */
export const routeTracing = message(
  {
    client_sampling: fractionalPercent,
    random_sampling: fractionalPercent,
    overall_sampling: fractionalPercent,
    /** Beside those of the connection manager, and before those with the same names. */
    custom_tags: list(customTag),
    ...operations,
  },
  { name: 'envoy.config.route.v3.Tracing' },
);

/** Envoy `Decorator`: the name of the spans of a route's requests. */
export const decorator = message(
  { operation: required(nonEmpty()), propagate: withDefault(bool(), true) },
  { name: 'envoy.config.route.v3.Decorator' },
);

/** Tracing of a connection manager, with defaults filled in. */
export type ManagerTracingConfig = z.output<typeof managerTracing>;
