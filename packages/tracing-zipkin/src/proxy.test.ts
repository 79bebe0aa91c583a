import { cluster } from '@mesh/core';
import { router } from '@mesh/filters-http';
import { answer, type LiveProxy, startProxy, startUpstream, type Upstream } from '@mesh/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { problems } from './fixtures/zipkin2-api.ts';
import { zipkin } from './zipkin.ts';

const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const ZIPKIN = 'type.googleapis.com/envoy.config.trace.v3.ZipkinConfig';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function servers() {
  const [service, collector] = [await startUpstream(), await startUpstream(answer({ status: 202 }))];
  closing.push(
    () => service.close(),
    () => collector.close(),
  );
  return { service, collector };
}

/** Asks once, ends the proxy, and gives the report. */
async function traced(proxy: LiveProxy, service: Upstream, collector: Upstream) {
  const response = await fetch(`http://127.0.0.1:${proxy.port}/a`);
  expect(response.status).toBe(200);
  await proxy.close();
  const [report] = collector.requests;
  expect(report).toMatchObject({ method: 'POST', headers: { host: 'zipkin', 'content-type': 'application/json' } });
  const [span] = JSON.parse(report?.body ?? '') as [Readonly<Record<string, unknown>>];
  expect(service.requests[0]?.headers).toMatchObject({ 'x-b3-traceid': span.traceId, 'x-b3-spanid': span.id });
  return { path: report?.path, span };
}

const endpoints = ({ port }: Upstream) => [
  { lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } }] },
];
const route = {
  virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'up' } }] }],
};
const listen = { socket_address: { address: '127.0.0.1', port_value: 0 } };

describe('zipkin', () => {
  test('reports what code configures, also when the proxy ends at once', async () => {
    const { service, collector } = await servers();
    const proxy = await startProxy({
      upstream: service,
      clusters: [cluster('zipkin', { endpoints: [`127.0.0.1:${collector.port}`] })],
      tracing: { provider: zipkin({ collectorCluster: 'zipkin', collectorEndpoint: '/api/v2/spans' }) },
    });
    const { path, span } = await traced(proxy, service, collector);
    expect(path).toBe('/api/v2/spans');
    expect(problems([span])).toEqual([]);
    expect(span).toMatchObject({ kind: 'SERVER', tags: { 'http.method': 'GET', 'http.status_code': '200' } });
  });

  test('reports what a file configures', async () => {
    const { service, collector } = await servers();
    const typed = {
      '@type': ZIPKIN,
      collector_cluster: 'zipkin',
      collector_endpoint: '/s',
      collector_endpoint_version: 'HTTP_JSON',
    };
    const manager = {
      '@type': HCM,
      stat_prefix: 'in',
      tracing: { provider: { name: 'envoy.tracers.zipkin', typed_config: typed } },
      route_config: route,
      http_filters: [
        {
          name: 'envoy.filters.http.router',
          typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
        },
      ],
    };
    const proxy = await startProxy({
      extensions: [router, zipkin],
      config: {
        static_resources: {
          listeners: [
            {
              name: 'in',
              address: listen,
              filter_chains: [
                { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] },
              ],
            },
          ],
          clusters: [
            { name: 'up', load_assignment: { cluster_name: 'up', endpoints: endpoints(service) } },
            { name: 'zipkin', load_assignment: { cluster_name: 'zipkin', endpoints: endpoints(collector) } },
          ],
        },
      },
    });
    const { path, span } = await traced(proxy, service, collector);
    expect(path).toBe('/s');
    expect(problems([span])).toEqual([]);
  });

  test('reports in version 1 what a file of 2018 configures', async () => {
    const { service, collector } = await servers();
    const manager = {
      codec_type: 'auto',
      stat_prefix: 'egress_http',
      generate_request_id: true,
      tracing: { operation_name: 'egress' },
      route_config: route,
      http_filters: [{ name: 'envoy.router', config: {} }],
    };
    const host = ({ port }: Upstream) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
    const common = { connect_timeout: '0.25s', type: 'static', lb_policy: 'round_robin' };
    const proxy = await startProxy({
      extensions: [router, zipkin],
      config: {
        static_resources: {
          listeners: [
            {
              name: 'in',
              address: listen,
              filter_chains: [{ filters: [{ name: 'envoy.http_connection_manager', config: manager }] }],
            },
          ],
          clusters: [
            { name: 'up', ...common, hosts: [host(service)] },
            { name: 'zipkin', ...common, hosts: [host(collector)] },
          ],
        },
        tracing: {
          http: { name: 'envoy.zipkin', config: { collector_cluster: 'zipkin', collector_endpoint: '/api/v1/spans' } },
        },
      },
    });
    const { path, span } = await traced(proxy, service, collector);
    expect(path).toBe('/api/v1/spans');
    const annotations = span.annotations as { value: string }[];
    expect(annotations.map(({ value }) => value)).toEqual(['cs', 'cr']);
    expect(span.binaryAnnotations).toContainEqual({ key: 'http.method', value: 'GET' });
  });
});
