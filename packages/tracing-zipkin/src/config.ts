/** The tracer's configuration, Envoy `ZipkinConfig`, and what it comes to. */
import {
  bool,
  enumOf,
  httpService,
  httpTarget,
  type MessageOutput,
  message,
  string,
  withDefault,
} from '@mesh/core/proto';

/** In the path of an endpoint of that version. */
const VERSION_2 = '/v2/';

const zipkinFields = {
  collector_cluster: withDefault(string(), ''),
  collector_endpoint: withDefault(string(), ''),
  collector_endpoint_version: enumOf(
    ['DEPRECATED_AND_UNAVAILABLE_DO_NOT_USE', 'HTTP_JSON_V1', 'HTTP_JSON', 'HTTP_PROTO'],
    { GRPC: { number: 3, reason: 'Envoy has no such reporter either' } },
    [0, 0, 1, 2],
  ),
  trace_id_128bit: withDefault(bool(), false),
  shared_span_context: withDefault(bool(), true),
  collector_hostname: withDefault(string(), ''),
  split_spans_for_request: withDefault(bool(), false),
  trace_context_option: withDefault(enumOf(['USE_B3', 'USE_B3_WITH_W3C_PROPAGATION']), 'USE_B3'),
  collector_service: httpService,
  timestamp_trace_ids: withDefault(bool(), false),
} as const;

/**
 * Envoy `ZipkinConfig`. Without `collector_endpoint_version`, which Envoy now wants, the endpoint tells: reports to
 * `/api/v2/…` are JSON of version 2. Others are JSON of version 1, as they all were when there was no such field: that is
 * what files of 2018 with `/api/v1/spans` mean. Envoy itself has given version 1 up.
 */
export const zipkinConfig = message(zipkinFields, {
  name: 'envoy.config.trace.v3.ZipkinConfig',
  check({ collectorCluster, collectorEndpoint, collectorService, collectorEndpointVersion }, report) {
    if (collectorService !== undefined) return;
    if (collectorCluster === '' || collectorEndpoint === '') {
      report({
        message: 'collector_cluster and collector_endpoint must be specified when not using collector_service',
      });
    }
    if (isVersion1(collectorEndpointVersion) && collectorEndpoint?.includes(VERSION_2)) {
      const problem = 'version 1 is not what an endpoint of version 2 takes';
      report({ path: ['collector_endpoint_version'], message: `${problem}: set HTTP_JSON or HTTP_PROTO` });
    }
  },
});

/** A checked configuration. */
export type ZipkinConfig = MessageOutput<typeof zipkinFields>;

function isVersion1(version: string | undefined): boolean {
  return version === 'HTTP_JSON_V1' || version === 'DEPRECATED_AND_UNAVAILABLE_DO_NOT_USE';
}

/** How spans are written. */
export type Encoding = 'json-v1' | 'json-v2' | 'proto';

/** Where reports go, and in which form. */
export interface Collector {
  readonly cluster: string;
  readonly path: string;
  readonly authority: string;
  /** Fields beside the content type. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly encoding: Encoding;
}

/** What a configuration says about the collector. */
export function collectorOf(config: ZipkinConfig): Collector {
  const service = config.collectorService;
  if (service === undefined) {
    const { collectorCluster: cluster, collectorEndpoint: path, collectorHostname } = config;
    return { cluster, path, authority: collectorHostname || cluster, headers: [], encoding: encodingFor(config, path) };
  }
  const { authority, cluster, headers, path } = httpTarget(service);
  return { cluster, authority, path, headers, encoding: encodingFor(config, path) };
}

function encodingFor({ collectorEndpointVersion: version }: ZipkinConfig, path: string): Encoding {
  if (version === undefined) return path.includes(VERSION_2) ? 'json-v2' : 'json-v1';
  if (isVersion1(version)) return 'json-v1';
  return version === 'HTTP_PROTO' ? 'proto' : 'json-v2';
}
