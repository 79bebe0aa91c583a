/** The config of `envoy.stat_sinks.statsd`. */
import { bool, datagramAddress, message, string, withDefault } from '@mesh/core/proto';

export const STATSD = 'envoy.config.metrics.v3.StatsdSink';

export const statsdConfig = message(
  {
    address: datagramAddress,
    tcp_cluster_name: string(),
    prefix: withDefault(string(), ''),
    scale_histogram_units_to_milliseconds: withDefault(bool(), false),
  },
  { name: STATSD, oneofs: [{ fields: ['address', 'tcp_cluster_name'], required: true }] },
);
