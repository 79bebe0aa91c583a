/** Who answers gRPC calls of the proxy's own: `GrpcService`, and what it comes to. */
import type { LogSubject } from '../api/access-log.ts';
import { compileFormat } from '../format/format.ts';
import { type MessageOutput, message, required, withDefault } from './message.ts';
import { bool, duration, enumOf, list, nonEmpty, string, uint32 } from './proto-json.ts';

const HEADER_VALUE = /^[^\0-\x08\n-\x1f\x7f]{0,16384}$/;

/** What stands in a call that belongs to no exchange: commands about one have nothing to tell. */
const NOBODY = {} as LogSubject;

/** The text of a format outside of any exchange. @throws SyntaxError for a wrong format, TypeError for one about an exchange. */
function fixedText(format: string): string {
  return compileFormat(format).format(NOBODY);
}

function fixedTextProblem(format: string): string | undefined {
  try {
    fixedText(format);
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    return 'the call belongs to no exchange: of commands only %ENVIRONMENT(X)% and %HOSTNAME% have a value';
  }
}

/** A line of `initial_metadata`. */
const metadataLine = message(
  {
    key: required(nonEmpty()),
    value: withDefault(string({ pattern: HEADER_VALUE, expected: 'a header value' }), ''),
  },
  {
    name: 'envoy.config.core.v3.HeaderValue',
    known: { raw_value: 'use value' },
    check({ key, value }, report) {
      if (key !== undefined && !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(key)) {
        report({ path: ['key'], message: `expected a header name, got ${JSON.stringify(key)}` });
      }
      const problem = value === undefined ? undefined : fixedTextProblem(value);
      if (problem !== undefined) report({ path: ['value'], message: problem });
    },
  },
);

const envoyGrpc = message(
  {
    cluster_name: required(nonEmpty()),
    authority: withDefault(string({ pattern: HEADER_VALUE, expected: 'a header value' }), ''),
    max_receive_message_length: uint32(),
    skip_envoy_headers: withDefault(bool(), false),
  },
  {
    name: 'envoy.config.core.v3.GrpcService.EnvoyGrpc',
    known: { retry_policy: 'what has been sent on a stream is not kept; see grpc_stream_retry_policy of access logs' },
  },
);

/** Envoy `GrpcService`. An unknown cluster is no error, as in Envoy: it may come later. */
export const grpcService = message(
  { envoy_grpc: envoyGrpc, timeout: duration(), initial_metadata: list(metadataLine) },
  {
    name: 'envoy.config.core.v3.GrpcService',
    known: {
      google_grpc: 'there is one gRPC client, and it calls clusters: use envoy_grpc with the name of one',
      retry_policy: 'what has been sent on a stream is not kept; see grpc_stream_retry_policy of access logs',
    },
    oneofs: [{ fields: ['envoy_grpc', 'google_grpc'], required: true }],
  },
);

/** A `GrpcService` that has been read. */
export type GrpcServiceConfig = MessageOutput<(typeof grpcService)['info']['fields']>;

/** Whom to call and with what: names of `GrpcStreamOptions`. */
export interface GrpcTarget {
  readonly cluster: string;
  readonly authority: string;
  readonly metadata: readonly (readonly [name: string, value: string])[];
  /** Of a single call; 0 is none. Streams that are to stay have none, as in Envoy. */
  readonly timeoutMs: number;
  readonly maxMessageBytes?: number;
  readonly skipEnvoyHeaders: boolean;
}

/** What a checked `GrpcService` says. */
export function grpcTarget({ envoyGrpc: client, initialMetadata, timeoutMs = 0 }: GrpcServiceConfig): GrpcTarget {
  if (client === undefined) throw new TypeError('a GrpcService without envoy_grpc');
  const { authority, clusterName: cluster, maxReceiveMessageLength: most, skipEnvoyHeaders } = client;
  const metadata = initialMetadata.map(({ key, value }) => [key.toLowerCase(), fixedText(value)] as const);
  const limit = most === undefined ? {} : { maxMessageBytes: most };
  return { cluster, authority: authority || cluster, metadata, timeoutMs, skipEnvoyHeaders, ...limit };
}

/** Envoy `ApiVersion` of a service; AUTO is V3. */
export function transportApiVersion() {
  const removed =
    'The v2 xDS major version has been removed and is no longer supported. See the advice in ' +
    'https://www.envoyproxy.io/docs/envoy/latest/faq/api/envoy_v3.';
  return withDefault(enumOf(['AUTO', 'V3'], { V2: { number: 1, reason: removed } }, [0, 2]), 'AUTO');
}
