import { expect, it } from 'vitest';
import { StatsStore } from '../stats/index.ts';
import { renderPrometheus } from '../stats/prometheus-text.ts';
import type { UpstreamHost } from './host.ts';
import { EndpointStats } from './tracking.ts';

const host = (ip: string, port: number) =>
  ({
    ip,
    port,
    hostname: '',
    healthy: true,
    pendingRequests: 1,
    stats: {
      cxActive: 2,
      cxConnectFail: 0,
      cxTotal: 3,
      rqActive: 0,
      rqError: 4,
      rqSuccess: 5,
      rqTimeout: 6,
      rqTotal: 7,
    },
  }) as unknown as UpstreamHost;

it('EndpointStats shows hosts as Envoy does, whatever dots the cluster has, and forgets those that are gone', () => {
  const store = new StatsStore();
  const stats = new EndpointStats(store.scope('cluster.c.dot'), 'c.dot');
  const [first, second] = [host('127.0.0.1', 21402), host('::1', 80)];
  stats.update([first, second]);
  const own = () => store.counters().filter(({ name }) => name.includes('.endpoint.'));
  expect(own().map(({ name, value }) => `${name}: ${value}`)).toContain(
    'cluster.c.dot.endpoint.127.0.0.1_21402.rq_error: 4',
  );
  const lines = renderPrometheus(store, { matches: (name) => /127.*(cx_total|healthy)/.test(name) }).split('\n');
  expect(lines).toEqual([
    '# TYPE envoy_cluster_endpoint_cx_total counter',
    'envoy_cluster_endpoint_cx_total{envoy_cluster_name="c.dot",envoy_endpoint_address="127.0.0.1:21402"} 3',
    '# TYPE envoy_cluster_endpoint_healthy gauge',
    'envoy_cluster_endpoint_healthy{envoy_cluster_name="c.dot",envoy_endpoint_address="127.0.0.1:21402"} 1',
    '',
  ]);
  expect(store.gauges().map(({ name }) => name)).toContain('cluster.c.dot.endpoint.[__1]_80.rq_pending_active');
  stats.update([second]);
  expect(own().every(({ name }) => name.includes('[__1]_80'))).toBe(true);
});
