/** Active health checks in a whole proxy: gRPC against @grpc/grpc-js, panic, and what ordinary responses say. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { status } from '@grpc/grpc-js';
import { createProxy, type MeshProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type HealthAnswer, HealthServer } from './grpc-server.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const FAST = {
  timeout: '3s',
  interval: '0.02s',
  no_traffic_interval: '0.02s',
  unhealthy_threshold: 2,
  healthy_threshold: 1,
};

async function proxyFor(ports: readonly number[], check: object, more: object = {}): Promise<MeshProxy> {
  const lbEndpoints = ports.map((port) => ({
    endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
  }));
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'in',
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
    route_config: {
      virtual_hosts: [{ name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'c' } }] }],
    },
  };
  const config = {
    static_resources: {
      listeners: [
        {
          name: 'main',
          address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
          filter_chains: [
            { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] },
          ],
        },
      ],
      clusters: [
        {
          name: 'c',
          connect_timeout: '1s',
          ...more,
          health_checks: [{ ...FAST, ...check }],
          load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: lbEndpoints }] },
        },
      ],
    },
  };
  const proxy = await createProxy({ config, extensions: standard });
  cleanups.push(() => proxy.close());
  await proxy.start();
  return proxy;
}

function stat(proxy: MeshProxy, name: string): number | undefined {
  return [...proxy.stats.counters(), ...proxy.stats.gauges()].find((one) => one.name === `cluster.c.${name}`)?.value;
}

const healthy = (proxy: MeshProxy, count: number) =>
  vi.waitFor(() => expect(stat(proxy, 'membership_healthy')).toBe(count), { timeout: 5000, interval: 5 });

const HTTP2 = { http2_protocol_options: {} };

async function grpcProxy(answers: Record<string, HealthAnswer>, check: object = {}, withHealth = true, timeout = '3s') {
  const server = await HealthServer.start(answers, withHealth);
  cleanups.push(() => server.stop());
  const proxy = await proxyFor([server.port], { timeout, grpc_health_check: check }, HTTP2);
  return { server, proxy };
}

describe('grpc_health_check against grpc-js', () => {
  it('SERVING is healthy, and the call is as Envoy makes it', async () => {
    const metadata = [{ header: { key: 'x-who', value: 'mesh at %UPSTREAM_REMOTE_ADDRESS%' } }];
    const check = { service_name: 'locations', authority: 'own.example', initial_metadata: metadata };
    const { server, proxy } = await grpcProxy({ locations: 'SERVING' }, check);
    expect(stat(proxy, 'membership_healthy')).toBe(1);
    const [seen] = server.seen;
    expect([seen?.service, seen?.host]).toEqual(['locations', 'own.example']);
    expect(seen?.metadata.get('user-agent')).toEqual(['Envoy/HC']);
    expect(seen?.metadata.get('x-who')).toEqual([`mesh at 127.0.0.1:${server.port}`]);
    expect(seen?.deadlineMs).toBeLessThanOrEqual(3000);
  });

  it('follows what the server says, at once in either direction', async () => {
    const { server, proxy } = await grpcProxy({ '': 'SERVING' });
    for (const answer of ['NOT_SERVING', 'UNKNOWN', { code: status.UNAVAILABLE }, 'garbage'] as const) {
      await healthy(proxy, 1);
      server.answers.set('', answer);
      await healthy(proxy, 0);
      server.answers.set('', 'SERVING');
    }
    await healthy(proxy, 1);
    expect(stat(proxy, 'health_check.network_failure')).toBe(0);
  });

  it.each<[string, Record<string, HealthAnswer>, object, boolean]>([
    ['an unknown service', { a: 'SERVING' }, { service_name: 'b' }, true],
    ['no health service (UNIMPLEMENTED, trailers only)', {}, {}, false],
  ])('%s is a failure', async (_, answers, check, withHealth) => {
    const { proxy } = await grpcProxy(answers, check, withHealth);
    expect([stat(proxy, 'membership_healthy'), stat(proxy, 'health_check.network_failure')]).toEqual([0, 0]);
    expect(stat(proxy, 'health_check.failure')).toBeGreaterThan(0);
  });

  it('silence is a failure: of the timeout here, or of the deadline that the server was given', async () => {
    const { server, proxy } = await grpcProxy({ '': 'SERVING' }, {}, true, '0.3s');
    server.answers.set('', 'silence');
    await healthy(proxy, 0);
    server.answers.set('', 'SERVING');
    await healthy(proxy, 1);
  });

  it('a server that goes away is a failure of the network', async () => {
    const { server, proxy } = await grpcProxy({ '': 'SERVING' });
    server.stop();
    await healthy(proxy, 0);
    expect(stat(proxy, 'health_check.network_failure')).toBeGreaterThanOrEqual(2);
  });
});

/** HTTP servers whose check answers 500 while their number is in `bad`. */
async function httpServers(count: number, more: (response: http.ServerResponse) => void = () => {}) {
  const bad = new Set<number>();
  const served = new Set<number>();
  const ports: number[] = [];
  for (let index = 0; index < count; index++) {
    const server = http.createServer((request, response) => {
      if (request.url === '/healthz') response.statusCode = bad.has(index) ? 500 : 200;
      else {
        served.add(index);
        more(response);
      }
      response.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ports.push((server.address() as AddressInfo).port);
    cleanups.push(() => {
      server.closeAllConnections();
      server.close();
    });
  }
  return { bad, served, ports };
}

describe('http_health_check in a proxy', () => {
  it('half of the hosts out: traffic avoids them; more than half: panic, and it goes to all', async () => {
    const { bad, served, ports } = await httpServers(4);
    const proxy = await proxyFor(ports, { http_health_check: { path: '/healthz' } });
    const url = `http://127.0.0.1:${proxy.address('main').port}`;
    const ask = async () => {
      served.clear();
      for (let request = 0; request < 8; request++) await (await fetch(url)).text();
      return [...served].sort();
    };
    bad.add(0).add(1);
    await healthy(proxy, 2);
    expect([await ask(), stat(proxy, 'lb_healthy_panic')]).toEqual([[2, 3], 0]);
    bad.add(2);
    await healthy(proxy, 1);
    expect([await ask(), stat(proxy, 'lb_healthy_panic')]).toEqual([[0, 1, 2, 3], 8]);
  });

  it('x-envoy-immediate-health-check-fail on an ordinary response takes its host out', async () => {
    const { ports } = await httpServers(1, (response) =>
      response.setHeader('x-envoy-immediate-health-check-fail', '1'),
    );
    const proxy = await proxyFor(ports, {
      ...{ interval: '60s', no_traffic_interval: '60s' },
      http_health_check: { path: '/healthz' },
    });
    expect(stat(proxy, 'membership_healthy')).toBe(1);
    await (await fetch(`http://127.0.0.1:${proxy.address('main').port}`)).text();
    await healthy(proxy, 0);
    expect([stat(proxy, 'health_check.passive_failure'), stat(proxy, 'membership_excluded')]).toEqual([1, 1]);
  });
});
