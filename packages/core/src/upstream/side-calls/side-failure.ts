/** What failures of the upstream side are for side calls. */
import type { ResetReason, UpstreamFailure } from '../../api/codec.ts';
import type { SideCallFailure } from '../../api/side-calls.ts';

/** How often hosts may say in a row that they did not look at a request. */
const MAX_REFUSALS = 3;
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

const KINDS: Readonly<Partial<Record<ResetReason, SideCallFailure>>> = {
  'local connection failure': 'connection failure',
  'remote connection failure': 'connection failure',
  'connection timeout': 'connection failure',
  overflow: 'overflow',
  'protocol error': 'protocol error',
};

/** Envoy's response flags. */
const FLAGS: Readonly<Partial<Record<ResetReason, string>>> = {
  'local connection failure': 'UF',
  'remote connection failure': 'UF',
  'connection timeout': 'UF',
  'connection termination': 'UC',
  'local reset': 'LR',
  'local refused stream reset': 'LR',
  overflow: 'UO',
  'protocol error': 'UPE',
};

/** A response that ends in its middle is a broken one. */
function reasonOf({ reason, responseStarted }: UpstreamFailure): ResetReason {
  return reason === 'connection termination' && responseStarted ? 'protocol error' : reason;
}

export function kindOf(reason: ResetReason): SideCallFailure {
  return KINDS[reason] ?? 'reset';
}

/** The status and flag that the router has for it. */
export function statusOf(failure: UpstreamFailure): { readonly status: number; readonly flag: string } {
  const reason = reasonOf(failure);
  return { status: reason === 'protocol error' ? 502 : 503, flag: FLAGS[reason] ?? 'UR' };
}

/** Nobody can have looked at the request: it may be sent once more. */
export function isUnseen(failure: UpstreamFailure, method: string, repeated: boolean, refusals: number): boolean {
  if (failure.responseStarted) return false;
  if (failure.reason === 'remote refused stream reset') return refusals < MAX_REFUSALS;
  return !repeated && failure.reused && failure.reason === 'connection termination' && IDEMPOTENT.has(method);
}
