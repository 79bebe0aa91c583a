/** What a failed upstream attempt looks like from outside: texts, flags and details exactly as Envoy's. */
import { type ResetReason, ResponseFlag, type UpstreamFailure } from '@mesh/core';

const FLAGS: Readonly<Record<ResetReason, number>> = {
  'local connection failure': ResponseFlag.UF,
  'remote connection failure': ResponseFlag.UF,
  'connection timeout': ResponseFlag.UF,
  'connection termination': ResponseFlag.UC,
  'local reset': ResponseFlag.LR,
  'local refused stream reset': ResponseFlag.LR,
  overflow: ResponseFlag.UO,
  'remote reset': ResponseFlag.UR,
  'remote refused stream reset': ResponseFlag.UR,
  'remote error with CONNECT request': ResponseFlag.UR,
  'protocol error': ResponseFlag.UPE,
  'overload manager reset': ResponseFlag.OM,
  'HTTP/1 premature upstream half close': ResponseFlag.LR,
};

/** Envoy's words for it. A message of HTTP/1 that ends in its middle is a broken message: Envoy's parser sees it so. */
export function failureReason({ reason, responseStarted, multiplexed = false }: UpstreamFailure): ResetReason {
  return reason === 'connection termination' && responseStarted && !multiplexed ? 'protocol error' : reason;
}

/** The response flag of a failure. */
export function failureFlag(failure: UpstreamFailure): number {
  return FLAGS[failureReason(failure)];
}

/** 502 when the upstream does not speak HTTP, else 503. */
export function failureStatus(failure: UpstreamFailure): number {
  return failureReason(failure) === 'protocol error' ? 502 : 503;
}

/** The body of the local reply. What the transport said is for logs only: it tells of the inside of a network. */
export function failureText(failure: UpstreamFailure, retried: boolean): string {
  const what = retried ? 'retried and the latest reset reason' : 'reset reason';
  return `upstream connect error or disconnect/reset before headers. ${what}: ${failureReason(failure)}`;
}

/** `%RESPONSE_CODE_DETAILS%`. */
export function failureDetails(failure: UpstreamFailure, started: boolean): string {
  const when = started ? 'after' : 'before';
  const transport = failure.detail === undefined ? '' : `|${failure.detail}`;
  return `upstream_reset_${when}_response_started{${`${failureReason(failure)}${transport}`.replaceAll(' ', '_')}}`;
}

/** An attempt that this side has given up. */
export const LOCAL_RESET: UpstreamFailure = Object.freeze({
  reason: 'local reset',
  detail: undefined,
  reused: false,
  responseStarted: false,
  requestSent: true,
});
