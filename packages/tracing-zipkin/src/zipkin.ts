/** The tracer as an extension. */
import { defineTracer } from '@mesh/core';
import { collectorOf, zipkinConfig } from './config.ts';
import { encoder } from './encoding.ts';
import { Ids } from './ids.ts';
import { Reporter } from './reporter.ts';
import { ZipkinTracer } from './tracer.ts';

/**
 * Envoy's `envoy.tracers.zipkin`: context in B3 (and W3C) headers, spans reported to a cluster with Zipkin's API.
 *
 * @example
 * http({
 *   tracing: {
 *     provider: zipkin({
 *       collectorCluster: 'zipkin',
 *       collectorEndpoint: '/api/v2/spans',
 *       collectorEndpointVersion: 'HTTP_JSON',
 *     }),
 *   },
 *   …
 * })
 */
export const zipkin = defineTracer({
  name: 'envoy.tracers.zipkin',
  typeUrl: 'type.googleapis.com/envoy.config.trace.v3.ZipkinConfig',
  config: zipkinConfig,
  create(config, context) {
    const { node, random } = context;
    const shared = config.sharedSpanContext;
    const collector = collectorOf(config);
    const encode = encoder(collector.encoding, {
      endpoint: { serviceName: node.cluster, ip: node.localIp },
      shared,
    });
    const epochSeconds = config.timestampTraceIds ? () => Math.floor(context.wallMs() / 1000) : undefined;
    return new ZipkinTracer(
      { shared, split: config.splitSpansForRequest, w3c: config.traceContextOption === 'USE_B3_WITH_W3C_PROPAGATION' },
      new Ids(random, config.traceId128bit, epochSeconds),
      new Reporter(collector, encode, context),
    );
  },
});
