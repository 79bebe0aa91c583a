/** The `proxy-status` field (RFC 9209): why this proxy answered instead of the upstream. */
import { flagString, ResponseFlag } from '../errors.ts';
import type { ResponseHead } from '../headers/header-map.ts';
import type { ProxyStatusPolicy } from './settings.ts';
import type { ResponseStream } from './stream-response.ts';

/** Bit of `ResponseFlag` → error type and recommended status (0 for none), in the order in which they are asked. */
const ERRORS: readonly (readonly [number, string, number])[] = [
  [ResponseFlag.LH, 'destination_unavailable', 503],
  [ResponseFlag.UH, 'destination_unavailable', 503],
  [ResponseFlag.UT, 'http_response_timeout', 504],
  [ResponseFlag.LR, 'connection_timeout', 504],
  [ResponseFlag.UR, 'connection_terminated', 502],
  [ResponseFlag.UF, 'connection_refused', 502],
  [ResponseFlag.UC, 'connection_terminated', 502],
  [ResponseFlag.UO, 'connection_limit_reached', 503],
  [ResponseFlag.NR, 'destination_not_found', 500],
  [ResponseFlag.RL, 'connection_limit_reached', 503],
  [ResponseFlag.RLSE, 'connection_limit_reached', 503],
  [ResponseFlag.URX, 'destination_unavailable', 503],
  [ResponseFlag.SI, 'http_response_timeout', 504],
  [ResponseFlag.IH, 'http_request_error', 0],
  [ResponseFlag.DPE, 'http_request_error', 0],
  [ResponseFlag.UMSDR, 'http_response_timeout', 504],
  [ResponseFlag.NFCF, 'proxy_configuration_error', 500],
  [ResponseFlag.UPE, 'http_protocol_error', 502],
  [ResponseFlag.NC, 'destination_unavailable', 503],
  [ResponseFlag.OM, 'connection_limit_reached', 503],
  [ResponseFlag.DF, 'dns_error', 502],
];

/** Adds the field when the exchange has a flag that the RFC has an error type for. */
export function addProxyStatus(head: ResponseHead, stream: ResponseStream, policy: ProxyStatusPolicy): void {
  const { flags, details } = stream;
  if (flags === 0) return;
  const error = ERRORS.find(([flag]) => (flags & flag) !== 0);
  if (error === undefined) return;
  let value = `${policy.proxyName}; error=${error[1]}`;
  if (policy.details && details !== '') {
    const text = details.replace(/["\\]/g, '\\$&');
    value += `; details="${text}${policy.responseFlags ? `; ${flagString(flags)}` : ''}"`;
  }
  const present = head.getAll('proxy-status');
  head.put('proxy-status', [...present, value].join(', '));
  if (policy.recommendedStatus && error[2] !== 0) head.status = error[2];
}
