import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HealthCheckInit } from '@mesh/core';
import { startProxy, until } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { activeHealthChecks } from './index.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const FAST = {
  timeoutMs: 3000,
  intervalMs: 20,
  noTrafficIntervalMs: 20,
  unhealthyThreshold: 2,
  healthyThreshold: 2,
} as const;

async function listen(server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}

/** A proxy whose only cluster has these endpoints and this check. */
async function proxyFor(ports: readonly number[], check: HealthCheckInit, more: object = {}) {
  const proxy = await startProxy({
    upstream: ports,
    cluster: { ...more, healthChecks: [check] },
    extensions: [activeHealthChecks],
  });
  cleanups.push(() => proxy.close());
  const stat = (name: string) => proxy.stats(`cluster.upstream.${name}`);
  const healthy = (count: number) => proxy.untilStat('cluster.upstream.membership_healthy', count);
  return { proxy, stat, healthy };
}

describe('activeHealthChecks over sockets', () => {
  it('http_health_check decides which hosts get traffic, over one connection that is kept', async () => {
    let status = 200;
    let connections = 0;
    const seen: http.IncomingMessage[] = [];
    const server = http.createServer((request, response) => {
      if (request.url === '/healthz') {
        seen.push(request);
        response.statusCode = status;
      }
      response.end('fine');
    });
    server.on('connection', () => connections++);
    const port = await listen(server);
    const httpHealthCheck = {
      path: '/healthz',
      host: 'check.example',
      requestHeadersToAdd: [{ header: { key: 'x-checked', value: '%UPSTREAM_REMOTE_ADDRESS%' } }],
    };
    const { proxy, stat, healthy } = await proxyFor([port], { ...FAST, httpHealthCheck });
    expect(stat('membership_healthy')).toBe(1);
    await until(() => stat('health_check.success') >= 3, 'three checks');
    expect(connections).toBe(1);
    expect(seen[0]?.headers).toEqual({
      host: 'check.example',
      'user-agent': 'Envoy/HC',
      'x-checked': `127.0.0.1:${port}`,
    });
    expect((await fetch(proxy.url)).status).toBe(200);
    status = 500;
    await healthy(0);
    status = 200;
    await healthy(1);
  });

  it('connections ahead of demand are for traffic: a check has one', async () => {
    let connections = 0;
    const server = http.createServer((_request, response) => void response.end());
    server.on('connection', () => connections++);
    const port = await listen(server);
    const check = { ...FAST, httpHealthCheck: { path: '/' } };
    const { stat } = await proxyFor([port], check, { preconnectPolicy: { perUpstreamPreconnectRatio: 3 } });
    await until(() => stat('health_check.success') >= 3, 'three checks');
    expect(connections).toBe(1);
  });

  it('without reuse_connection each check has a connection of its own', async () => {
    let connections = 0;
    const server = http.createServer((_request, response) => void response.end());
    server.on('connection', () => connections++);
    const port = await listen(server);
    const check = { ...FAST, reuseConnection: false, httpHealthCheck: { path: '/' } };
    const { stat } = await proxyFor([port], check);
    await until(() => stat('health_check.success') >= 3, 'three checks');
    expect(connections).toBeGreaterThanOrEqual(3);
  });

  it('a connection that the host closes after each answer does no harm', async () => {
    const server = http.createServer((_request, response) => void response.setHeader('connection', 'close').end('x'));
    const port = await listen(server);
    const { stat } = await proxyFor([port], { ...FAST, httpHealthCheck: { path: '/' } });
    await until(() => stat('health_check.success') >= 3, 'three checks');
    expect(stat('health_check.failure')).toBe(0);
  });

  it('send and receive of an HTTP check', async () => {
    const server = http.createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => void response.end(`<${body}> ${'.'.repeat(20)} pong`));
    });
    const port = await listen(server);
    const text = (value: string) => ({ text: Buffer.from(value).toString('hex') });
    const exchange = { path: '/', method: 'POST', send: text('ping') } as const;
    const good = { ...exchange, receive: [text('<ping>'), text('pong')] };
    expect((await proxyFor([port], { ...FAST, httpHealthCheck: good })).stat('membership_healthy')).toBe(1);
    const beyond = { ...good, responseBufferSize: 16 };
    expect((await proxyFor([port], { ...FAST, httpHealthCheck: beyond })).stat('membership_healthy')).toBe(0);
  });

  it('codec_client_type HTTP2, with a graceful GOAWAY during a check', async () => {
    let sessions = 0;
    let requests = 0;
    const server = http2.createServer((request, response) => {
      response.end('x');
      // The check that it answers is still under way.
      if (++requests === 2) request.stream.session?.close();
    });
    server.on('session', () => sessions++);
    const port = await listen(server as unknown as net.Server);
    const check = { ...FAST, httpHealthCheck: { path: '/', codecClientType: 'HTTP2' } } as const;
    const { stat } = await proxyFor([port], check);
    await until(() => stat('health_check.success') >= 5, 'more checks');
    expect([sessions, stat('health_check.failure')]).toEqual([2, 0]);
  });

  it('a host that refuses connections or says nothing stays out, and the proxy starts', async () => {
    const silent = await listen(net.createServer(() => {}));
    const gone = net.createServer();
    const refusing = await listen(gone);
    gone.close();
    const { stat } = await proxyFor([silent, refusing], { ...FAST, timeoutMs: 200, httpHealthCheck: { path: '/' } });
    expect([stat('membership_healthy'), stat('membership_total')]).toEqual([0, 2]);
    expect(stat('health_check.network_failure')).toBeGreaterThanOrEqual(2);
  });

  it('tcp_health_check: connecting is enough', async () => {
    let connections = 0;
    const server = net.createServer(() => connections++);
    const port = await listen(server);
    const { stat, healthy } = await proxyFor([port], { ...FAST, tcpHealthCheck: {} });
    expect(stat('membership_healthy')).toBe(1);
    await until(() => connections >= 3, 'three connections');
    expect(stat('health_check.failure')).toBe(0);
    server.close();
    await healthy(0);
  });

  it('tcp_health_check: send, then each block of receive in order', async () => {
    const text = (value: string) => ({ text: Buffer.from(value).toString('hex') });
    const answer = 'noise PO NG more';
    let connections = 0;
    const server = net.createServer((socket) => {
      connections++;
      socket.on('data', (data) => {
        if (String(data) !== 'PING') return;
        for (const byte of answer) socket.write(byte);
      });
    });
    const port = await listen(server);
    const tcpHealthCheck = { send: text('PING'), receive: [text('PO'), text('NG')] };
    const { stat } = await proxyFor([port], { ...FAST, tcpHealthCheck });
    expect(stat('membership_healthy')).toBe(1);
    await until(() => stat('health_check.success') >= 3, 'three checks');
    expect(connections).toBe(1);
  });

  it('tcp_health_check: a PROXY protocol header comes first', async () => {
    let first = '';
    const server = net.createServer((socket) => {
      socket.once('data', (data) => {
        first = String(data);
        socket.write('ok');
      });
    });
    const port = await listen(server);
    const receive = [{ text: Buffer.from('ok').toString('hex') }];
    const tcpHealthCheck = { receive, proxyProtocolConfig: { version: 'V1' } } as const;
    expect((await proxyFor([port], { ...FAST, tcpHealthCheck })).stat('membership_healthy')).toBe(1);
    expect(first).toMatch(new RegExp(`^PROXY TCP4 127.0.0.1 127.0.0.1 \\d+ ${port}\r\n$`));
  });

  it('event_log_path gets a line per event, as Envoy writes them', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'mesh-')), 'events.log');
    let status = 200;
    const server = http.createServer((_request, response) => {
      response.statusCode = status;
      response.end();
    });
    const port = await listen(server);
    const check = { ...FAST, eventLogPath: path, httpHealthCheck: { path: '/' } };
    const { healthy } = await proxyFor([port], check);
    status = 503;
    await healthy(0);
    const lines = () => readFileSync(path, 'utf8').trim().split('\n');
    await until(() => lines().length === 2, 'two events');
    const rest = '"resolver_name":"","ipv4_compat":false,"network_namespace_filepath":""';
    const host = `"host":{"socket_address":{"protocol":"TCP","address":"127.0.0.1","port_value":${port},${rest}}}`;
    const head = `{"health_checker_type":"HTTP",${host},"cluster_name":"upstream"`;
    const tail = '"timestamp":"T","locality":{"region":"","zone":"","sub_zone":""}}';
    expect(lines().map((line) => line.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, 'T'))).toEqual([
      `${head},"add_healthy_event":{"first_check":true},${tail}`,
      `${head},"eject_unhealthy_event":{"failure_type":"ACTIVE","http_status_code":503},${tail}`,
    ]);
  });

  it('a log file that cannot be opened is told at the start', async () => {
    const check = { ...FAST, eventLogPath: '/nowhere/at/all', tcpHealthCheck: {} };
    await expect(proxyFor([1], check)).rejects.toThrow("unable to open file '/nowhere/at/all'");
  });

  it('endpoints may be checked at another port, under another name, or not at all', async () => {
    const hosts: (string | undefined)[] = [];
    const checked = await listen(
      http.createServer((request, response) => {
        hosts.push(request.headers.host);
        response.end();
      }),
    );
    const address = (portValue: number) => ({ socket_address: { address: '127.0.0.1', port_value: portValue } });
    const endpoint = (port: number, config: object) => ({
      endpoint: { address: address(port), health_check_config: config },
    });
    const proxy = await startProxy({
      extensions: [activeHealthChecks],
      config: {
        static_resources: {
          clusters: [
            {
              name: 'upstream',
              health_checks: [
                {
                  ...{ timeout: '0.3s', interval: '60s', unhealthy_threshold: 1, healthy_threshold: 1 },
                  http_health_check: { path: '/' },
                },
              ],
              load_assignment: {
                cluster_name: 'upstream',
                endpoints: [
                  {
                    lb_endpoints: [
                      endpoint(1, { port_value: checked, hostname: 'own.example' }),
                      endpoint(2, { address: address(checked) }),
                      endpoint(3, { disable_active_health_check: true }),
                      { ...endpoint(4, { disable_active_health_check: true }), health_status: 'DRAINING' },
                      endpoint(5, {}),
                    ],
                  },
                ],
              },
            },
          ],
        },
      },
    });
    cleanups.push(() => proxy.close());
    expect(hosts.sort()).toEqual(['own.example', 'upstream']);
    expect(proxy.stats('cluster.upstream.membership_healthy')).toBe(3);
  });
});

describe('a cluster with health_checks', () => {
  it('is refused when no extension serves them', async () => {
    const starting = startProxy({ upstream: 1, cluster: { healthChecks: [{ ...FAST, tcpHealthCheck: {} }] } });
    await expect(starting).rejects.toThrow('cluster upstream: no extension serves health_checks');
  });
});
