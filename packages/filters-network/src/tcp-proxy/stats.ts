/** What Envoy counts below `tcp.<stat_prefix>.`. */
import type { Counter, Gauge, StatsScope } from '@mesh/core';

const COUNTERS = [
  'downstream_cx_drain_close',
  'downstream_cx_no_route',
  'downstream_cx_overload_close',
  'downstream_cx_rx_bytes_total',
  'downstream_cx_total',
  'downstream_cx_tx_bytes_total',
  'downstream_flow_control_paused_reading_total',
  'downstream_flow_control_resumed_reading_total',
  'early_data_received_count_total',
  'idle_timeout',
  'max_downstream_connection_duration',
  'route_delayed_total',
  'upstream_flush_total',
] as const;

const GAUGES = ['downstream_cx_rx_bytes_buffered', 'downstream_cx_tx_bytes_buffered', 'upstream_flush_active'] as const;

/** The metrics of one `stat_prefix`. */
export type TcpProxyStats = Readonly<
  Record<(typeof COUNTERS)[number], Counter> & Record<(typeof GAUGES)[number], Gauge>
>;

export function tcpProxyStats(scope: StatsScope): TcpProxyStats {
  const counters = COUNTERS.map((name) => [name, scope.counter(name)]);
  const gauges = GAUGES.map((name) => [name, scope.gauge(name)]);
  return Object.freeze(Object.fromEntries([...counters, ...gauges])) as TcpProxyStats;
}
