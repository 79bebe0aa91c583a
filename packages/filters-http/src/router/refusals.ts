/** Requests that a cluster does not want at all: before any host is chosen, with Envoy's words. */
import { ResponseFlag, type TerminalStream, type UpstreamCluster } from '@mesh/core';

/** What the client is told, with 503. */
export interface Refusal {
  readonly body: string;
  readonly flag: number;
  readonly details: string;
  /** A response field that tells why, with the value `true`. */
  readonly marker: string;
}

/** Also of responses that an open circuit breaker brings about. */
export const OVERLOADED = 'x-envoy-overloaded';

const MAINTENANCE: Refusal = {
  body: 'maintenance mode',
  flag: ResponseFlag.UO,
  details: 'maintenance_mode',
  marker: OVERLOADED,
};

const DROPPED: Refusal = {
  body: 'drop overload',
  flag: ResponseFlag.DO,
  details: 'drop_overload',
  marker: 'x-envoy-drop-overload',
};

const ALL_DROPPED: Refusal = {
  body: 'unconditional drop overload',
  flag: ResponseFlag.UDO,
  details: 'unconditional_drop_overload',
  marker: 'x-envoy-unconditional-drop-overload',
};

/** `undefined` for a request that may go on. */
export function refusalOf(cluster: UpstreamCluster, stream: TerminalStream): Refusal | undefined {
  const { dropShare = 0 } = cluster;
  if (inMaintenance(cluster, stream)) return MAINTENANCE;
  if (dropShare === 0) return undefined;
  if (dropShare >= 1) return ALL_DROPPED;
  return cluster.random() < dropShare ? DROPPED : undefined;
}

function inMaintenance({ maintenance, traffic }: UpstreamCluster, { random, runtime }: TerminalStream): boolean {
  if (runtime.get(maintenance.runtimeKey) === undefined) return false;
  if (!runtime.enabled(maintenance, random)) return false;
  traffic.upstream_rq_maintenance_mode.inc();
  return true;
}
