/** Envoy's `envoy.stat_sinks.dog_statsd`: statsd lines with the tags that DogStatsD understands, by UDP. */
import { defineStatsSink } from '@mesh/core';
import { bool, datagramAddress, message, string, uint64, withDefault } from '@mesh/core/proto';
import { UdpStatsdSink } from '../shared/udp-sink.ts';

const DOG_STATSD = 'envoy.config.metrics.v3.DogStatsdSink';

const config = message(
  {
    address: datagramAddress,
    prefix: withDefault(string(), ''),
    max_bytes_per_datagram: uint64({ min: 1 }),
    scale_histogram_units_to_milliseconds: withDefault(bool(), false),
  },
  { name: DOG_STATSD, oneofs: [{ fields: ['address'], required: true }] },
);

/**
 * As `statsd`, with names without their tags, and the tags behind the value: `…:3|c|#envoy.cluster_name:a`. By
 * `maxBytesPerDatagram` the lines of a flush share datagrams; left out, each has its own.
 *
 * @example
 * const address = { socketAddress: { address: '127.0.0.1', portValue: 8125 } };
 * createProxy({ …, statsSinks: [dogStatsd({ address, maxBytesPerDatagram: 1432 })] });
 */
export const dogStatsd = defineStatsSink({
  name: 'envoy.stat_sinks.dog_statsd',
  typeUrl: `type.googleapis.com/${DOG_STATSD}`,
  config,
  create: ({ address, prefix, maxBytesPerDatagram = 0, scaleHistogramUnitsToMilliseconds: scaleToMs }, context) =>
    new UdpStatsdSink(
      { address, prefix, maxBytesPerDatagram, tags: 'dog', scaleToMs, statPrefix: 'dog_statsd' },
      context,
    ),
});
