/** The code that the pages of the two tracing packages show. */
import { cluster, createProxy, defineHttpFilter, http, listener, route } from '@mesh/core';
import { message } from '@mesh/core/proto';
import { router } from '@mesh/filters-http';
import { standard } from '@mesh/standard';
import { offered, openTelemetry } from '@mesh/tracing-opentelemetry';
import { zipkin } from '@mesh/tracing-zipkin';

/** Ports of the example. */
export interface Places {
  readonly app: string;
  readonly collector: string;
  /** Work of a filter. */
  readonly check: () => Promise<void>;
}

const zipkinTracing = {
  provider: zipkin({ collectorCluster: 'zipkin', collectorEndpoint: '/api/v2/spans' }),
  spawnUpstreamSpan: true,
};

const offeredTracing = {
  provider: offered(zipkin({ collectorCluster: 'zipkin', collectorEndpoint: '/api/v2/spans' })),
};

const sdkTracing = { provider: openTelemetry() };

/** The three ways to trace that the pages show. */
export const ways = { zipkin: zipkinTracing, offered: offeredTracing, sdk: sdkTracing };

/** A proxy that traces in one of these ways. */
export function exampleProxy(way: keyof typeof ways, { app, check, collector }: Places) {
  const checked = defineHttpFilter({
    name: 'acme.filters.http.checked',
    config: message({}, { name: 'acme.Checked' }),
    create: () => ({
      async onRequestHeaders() {
        // A fetch here is a child of the request's span.
        await check();
      },
    }),
  });

  return createProxy({
    listeners: [
      listener({
        name: 'in',
        host: '127.0.0.1',
        port: 0,
        http: http({ routes: [route('/', 'app')], filters: [checked(), router()], tracing: ways[way] }),
      }),
    ],
    clusters: [cluster('app', { endpoints: [app] }), cluster('zipkin', { endpoints: [collector] })],
    logger: { log: () => {} },
  });
}

/** A file that names Zipkin: the tracer that it gets is the one that is offered. */
export function offeredByYaml(config: string) {
  const extensions = [...standard.filter((each) => each !== zipkin), offered(zipkin)];
  return createProxy({ config, extensions, logger: { log: () => {} } });
}
