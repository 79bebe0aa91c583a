/** Envoy's `envoy.stat_sinks.statsd`: counters, gauges and timers as statsd lines, by UDP or over TCP to a cluster. */
import { defineStatsSink } from '@mesh/core';
import { UdpStatsdSink } from '../shared/udp-sink.ts';
import { STATSD, statsdConfig } from './config.ts';
import { TcpStatsdSink } from './tcp-sink.ts';

/**
 * Sends counters (what was added since the last flush) and gauges at every flush, and samples of histograms as they are
 * recorded. Metrics have their whole names, behind `prefix` (default `envoy`).
 *
 * @example
 * createProxy({ …, statsSinks: [statsd({ address: { socketAddress: { address: '127.0.0.1', portValue: 8125 } } })] });
 */
export const statsd = defineStatsSink({
  name: 'envoy.stat_sinks.statsd',
  typeUrl: `type.googleapis.com/${STATSD}`,
  config: statsdConfig,
  create(config, context) {
    const lines = { prefix: config.prefix, tags: 'none', scaleToMs: config.scaleHistogramUnitsToMilliseconds } as const;
    if (config.tcpClusterName !== undefined) return new TcpStatsdSink(config.tcpClusterName, lines, context);
    return new UdpStatsdSink(
      { ...lines, address: config.address, maxBytesPerDatagram: 0, statPrefix: 'statsd' },
      context,
    );
  },
});
