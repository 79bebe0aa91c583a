/** Takes away request fields that their sender has no right to set. */
import { type RequestHead, Seen } from '../headers/header-map.ts';

/** Fields that only an internal client may send. */
const EXTERNAL_REMOVED = [
  'x-envoy-retriable-status-codes',
  'x-envoy-retriable-header-names',
  'x-envoy-retry-on',
  'x-envoy-retry-grpc-on',
  'x-envoy-max-retries',
  'x-envoy-upstream-alt-stat-name',
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-alt-response',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-force-trace',
  'x-envoy-ip-tags',
  'x-envoy-original-url',
  'x-envoy-hedge-on-per-try-timeout',
] as const;

/** Fields that an edge proxy removes as well. */
const EDGE_REMOVED = [
  'x-envoy-decorator-operation',
  'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node',
  'x-envoy-original-path',
  'x-envoy-original-host',
] as const;

/** `internalOnly`: more names for external requests to lose (`internal_only_headers` of the route configuration). */
export function sanitize(head: RequestHead, internal: boolean, edge: boolean, internalOnly: readonly string[]): void {
  if ((head.seen & Seen.referer) !== 0) dropBadReferer(head);
  if (!internal) for (let i = 0; i < internalOnly.length; i++) head.drop(internalOnly[i] as string);
  if ((head.seen & Seen.envoy) === 0) return;
  head.drop('x-envoy-internal');
  if (internal) return;
  for (const name of EXTERNAL_REMOVED) head.drop(name);
  if (!edge) return;
  for (const name of EDGE_REMOVED) head.drop(name);
}

/** A referer that is no URL reference, or names a user or a fragment, would open a door for log and policy tricks. */
function dropBadReferer(head: RequestHead): void {
  const value = head.getAll('referer').join(',');
  if (!isReferer(value)) head.drop('referer');
}

const ABSOLUTE = /^[A-Za-z]+:\/\/(?:[A-Za-z0-9\-._~!$&'()*+,;=%]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:[/?][^#\s]*)?$/;
const RELATIVE =
  /^(?:[A-Za-z0-9\-._~!$&'()*+,;=@?%]*|[A-Za-z0-9\-._~!$&'()*+,;=@?%]*\/[A-Za-z0-9\-._~!$&'()*+,;=@?%:/]*)$/;

function isReferer(value: string): boolean {
  return ABSOLUTE.test(value) || RELATIVE.test(value);
}
