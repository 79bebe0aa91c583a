/**
 * The admin server of the front proxy as the documents behind this project use it: seven requests to `/service/1`, and the
 * pages that tell of them. The sidecar is an HTTP/2 server of the test.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeshProcess } from '../mesh-process/index.ts';

const FRONT = readFileSync(new URL('front-envoy-v2.yaml', import.meta.url), 'utf8');
const REQUESTS = 7;

describe('admin of the front proxy', () => {
  let sidecar: Http2Server;
  let front: MeshProcess;

  beforeAll(async () => {
    sidecar = createServer((_request, response) => response.end('Hello'));
    await new Promise<void>((resolve) => sidecar.listen(0, '127.0.0.1', resolve));
    const { port } = sidecar.address() as AddressInfo;
    const file = FRONT.replaceAll('address: 0.0.0.0', 'address: 127.0.0.1')
      .replace(/address: service[12]\n(\s+)port_value: 80/g, `address: 127.0.0.1\n$1port_value: ${port}`)
      .replace(/port_value: (?:80|8001)\b/g, 'port_value: 0');
    front = await MeshProcess.start(file, ['--service-cluster', 'front-proxy', '--service-node', 'front-1']);
    for (let count = 0; count < REQUESTS; count++) {
      const answer = await fetch(`http://127.0.0.1:${front.port}/service/1`);
      expect([answer.status, await answer.text()]).toEqual([200, 'Hello']);
    }
  }, 60_000);

  afterAll(async () => {
    await front?.stop();
    sidecar?.close();
  });

  it('/stats counts what has been', async () => {
    const stats = await front.page('/stats');
    const value = (name: string) =>
      Number(new RegExp(`^${name.replaceAll('.', '\\.')}: (\\d+)$`, 'm').exec(stats)?.[1]);
    expect(value('cluster.service1.upstream_rq_total')).toBe(REQUESTS);
    expect(value('cluster.service1.upstream_rq_200')).toBe(REQUESTS);
    expect(value('cluster.service1.external.upstream_rq_200')).toBe(REQUESTS);
    // One worker needs one connection; the documents show three, of an Envoy with several.
    expect(value('cluster.service1.upstream_cx_http2_total')).toBe(1);
    expect(value('cluster.service2.upstream_rq_total')).toBe(0);
    expect(value('http.ingress_http.downstream_rq_2xx')).toBe(REQUESTS);
  });

  it('/server_info tells version, state, times and every option', async () => {
    const info = JSON.parse(await front.page('/server_info')) as Record<string, unknown>;
    expect(info).toMatchObject({
      version: expect.stringMatching(/\d+\.\d+\.\d+/),
      state: 'LIVE',
      uptime_current_epoch: expect.stringMatching(/^\d+s$/),
      uptime_all_epochs: expect.stringMatching(/^\d+s$/),
      command_line_options: {
        config_path: expect.stringContaining('envoy.yaml'),
        service_cluster: 'front-proxy',
        service_node: 'front-1',
        drain_time: '600s',
        file_flush_interval: '10s',
        log_level: 'error',
        mode: 'Serve',
        restart_epoch: 0,
      },
    });
    expect(Object.keys(info.command_line_options as object).length).toBeGreaterThan(30);
  });

  it('/clusters shows the hosts with their counters', async () => {
    const page = await front.page('/clusters');
    expect(page).toMatch(/^service1::127\.0\.0\.1:\d+::rq_total::7$/m);
    expect(page).toMatch(/^service1::127\.0\.0\.1:\d+::rq_success::7$/m);
    expect(page).toMatch(/^service1::127\.0\.0\.1:\d+::health_flags::healthy$/m);
  });

  it('/config_dump holds bootstrap, clusters, listeners and routes', async () => {
    const { configs } = JSON.parse(await front.page('/config_dump')) as { configs: { '@type': string }[] };
    const types = configs.map((each) => each['@type'].split('.').at(-1));
    for (const type of ['Bootstrap', 'Clusters', 'Listeners', 'Routes']) expect(types).toContain(`${type}ConfigDump`);
  });

  it('health check endpoints take the proxy out of traffic and back', async () => {
    const call = async (path: string) => {
      const { host } = new URL(front.admin);
      const headers = { connection: 'close', host };
      return (await fetch(`${front.admin}${path}`, { method: 'POST', headers })).text();
    };
    const state = async () => JSON.parse(await front.page('/server_info')).state;
    expect(await call('/healthcheck/fail')).toBe('OK\n');
    expect(await state()).toBe('DRAINING');
    expect(await call('/healthcheck/ok')).toBe('OK\n');
    expect(await state()).toBe('LIVE');
  });

  it('/ is a page for a browser, with links to all others', async () => {
    const page = await front.page('/');
    for (const path of ['stats', 'clusters', 'config_dump', 'server_info', 'listeners', 'certs', 'runtime']) {
      expect(page).toMatch(new RegExp(`['"]/?${path}['"]`));
    }
  });
});
