/** The tags that every span of an exchange gets when it ends, with Envoy's names and in its order. */

import type { LogSubject } from '../api/access-log.ts';
import type { Headers } from '../api/headers.ts';
import type { Span } from '../api/tracer.ts';
import type { SpanTag } from '../api/tracing.ts';
import { flagString } from '../errors.ts';
import { NO_CONTEXT } from '../format/operator.ts';
import { responseCode } from '../format/operators/stream-info.ts';
import { textOfWire } from '../format/value.ts';
import { isGrpc } from '../headers/grpc.ts';
import type { RequestHead } from '../headers/header-map.ts';
import type { ResponseStream } from '../http/stream-response.ts';

/** By `minor` of a request head. */
const PROTOCOLS = ['HTTP/1.0', 'HTTP/1.1', 'HTTP/2'] as const;

/** gRPC statuses that say that the server failed: UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNIMPLEMENTED … */
const SERVER_ERRORS = new Set(['2', '4', '8', '12', '13', '14', '15']);

/** What came from the request or the response, as text. */
function tag(span: Span, name: string, wire: string | undefined): void {
  if (wire !== undefined) span.setTag(name, textOfWire(wire));
}

/** The tags of the span of a whole exchange. */
export function tagExchange(span: Span, stream: ResponseStream, maxPathLength: number, tags: readonly SpanTag[]): void {
  const head = stream.requestHeaders;
  tag(span, 'guid:x-request-id', head.value('x-request-id'));
  span.setTag('http.url', url(head, maxPathLength));
  tag(span, 'http.method', head.rawMethod);
  tag(span, 'downstream_cluster', head.value('x-envoy-downstream-service-cluster') ?? '-');
  tag(span, 'user_agent', head.value('user-agent') ?? '-');
  span.setTag('http.protocol', PROTOCOLS[head.minor] ?? 'HTTP/1.1');
  const { connection } = stream;
  span.setTag('peer.address', connection.directRemoteIp ?? connection.remoteIp);
  tag(span, 'guid:x-client-trace-id', head.value('x-client-trace-id'));
  if (isGrpc(head.value('content-type'))) tagGrpcRequest(span, head);
  span.setTag('request_size', String(stream.bytesReceived));
  span.setTag('response_size', String(stream.bytesSent));
  tagOutcome(
    span,
    stream,
    stream.upstreamCluster || clusterOfRoute(stream),
    responseCode(stream, NO_CONTEXT),
    stream.flags,
  );
  const { responseHeaders, responseTrailers } = stream;
  tagGrpcResponse(span, responseTrailers?.get('grpc-status') === undefined ? responseHeaders : responseTrailers);
  tagCustom(span, stream, tags);
}

/** As in Envoy the route's cluster is told of also when a filter has answered in its place; '' when there is none. */
function clusterOfRoute({ clusters, requestHeaders, route }: ResponseStream): string {
  const action = route?.action;
  if (action?.kind !== 'forward') return '';
  const name = action.clusterHeader === undefined ? action.cluster : (requestHeaders.get(action.clusterHeader) ?? '');
  return clusters.get(name) === undefined ? '' : name;
}

/** What spans of exchanges and of attempts have in common. */
export function tagOutcome(
  span: Span,
  { clusters }: Pick<LogSubject, 'clusters'>,
  cluster: string,
  status: number,
  flags: number,
): void {
  span.setTag('component', 'proxy');
  if (cluster !== '') {
    span.setTag('upstream_cluster', cluster);
    span.setTag('upstream_cluster.name', clusters.get(cluster)?.observabilityName ?? cluster);
  }
  span.setTag('http.status_code', String(status));
  span.setTag('response_flags', flagString(flags));
  if (status === 0 || status >= 500) span.setTag('error', 'true');
}

function url(head: RequestHead, maxPathLength: number): string {
  const { rawAuthority, rawPath, scheme } = head;
  // A CONNECT has none.
  if (rawPath === '') return '';
  const path = head.value('x-envoy-original-path') ?? rawPath;
  const shown = path.length > maxPathLength ? path.slice(0, maxPathLength) : path;
  return textOfWire(`${scheme}://${rawAuthority}${shown}`);
}

function tagGrpcRequest(span: Span, head: RequestHead): void {
  tag(span, 'grpc.path', head.rawPath);
  tag(span, 'grpc.authority', head.rawAuthority);
  tag(span, 'grpc.content_type', head.value('content-type'));
  tag(span, 'grpc.timeout', head.value('grpc-timeout'));
}

/** `fields`: the trailers, or the head of a response that has none. */
export function tagGrpcResponse(span: Span, fields: Headers | undefined): void {
  const status = fields?.get('grpc-status');
  if (fields === undefined || status === undefined) return;
  tag(span, 'grpc.status_code', status);
  tag(span, 'grpc.message', fields.get('grpc-message'));
  if (SERVER_ERRORS.has(status)) span.setTag('error', 'true');
}

/** They come last: they may say something else than a tag of Envoy's own. */
export function tagCustom(span: Span, subject: LogSubject, tags: readonly SpanTag[]): void {
  for (let i = 0; i < tags.length; i++) {
    const { name, value } = tags[i] as SpanTag;
    const wire = value(subject);
    if (wire !== undefined && wire !== '') span.setTag(name, textOfWire(wire));
  }
}
