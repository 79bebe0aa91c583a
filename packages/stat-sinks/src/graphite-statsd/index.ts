/** Envoy's `envoy.stat_sinks.graphite_statsd`: statsd lines with tags in the names, as Graphite has them, by UDP. */
import { defineStatsSink } from '@mesh/core';
import { bool, datagramAddress, message, string, uint64, withDefault } from '@mesh/core/proto';
import { UdpStatsdSink } from '../shared/udp-sink.ts';

const GRAPHITE_STATSD = 'envoy.extensions.stat_sinks.graphite_statsd.v3.GraphiteStatsdSink';

const config = message(
  {
    address: datagramAddress,
    prefix: withDefault(string(), ''),
    max_bytes_per_datagram: uint64({ min: 1 }),
    scale_histogram_units_to_milliseconds: withDefault(bool(), false),
  },
  { name: GRAPHITE_STATSD, oneofs: [{ fields: ['address'], required: true }] },
);

/** As `dogStatsd`, with the tags behind the name: `…upstream_rq_total;envoy.cluster_name=a:3|c`. */
export const graphiteStatsd = defineStatsSink({
  name: 'envoy.stat_sinks.graphite_statsd',
  typeUrl: `type.googleapis.com/${GRAPHITE_STATSD}`,
  config,
  create: ({ address, prefix, maxBytesPerDatagram = 0, scaleHistogramUnitsToMilliseconds: scaleToMs }, context) =>
    new UdpStatsdSink(
      { address, prefix, maxBytesPerDatagram, tags: 'graphite', scaleToMs, statPrefix: 'graphite_statsd' },
      context,
    ),
});
