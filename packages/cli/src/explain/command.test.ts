import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TestIo } from '../fixture.ts';
import { main } from '../main.ts';

const CONFIG = `static_resources:
  listeners:
  - name: web
    address: { socket_address: { address: 127.0.0.1, port_value: 8080 } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          route_config:
            virtual_hosts:
            - name: front
              domains: [front.test]
              routes:
              - match: { path: /ping }
                direct_response: { status: 200 }
              - name: api
                match: { prefix: /api, headers: [{ name: x-version, string_match: { exact: "2" } }] }
                route: { cluster: api, prefix_rewrite: /v2 }
              - match: { prefix: /some, runtime_fraction: { default_value: { numerator: 50 }, runtime_key: some } }
                direct_response: { status: 202 }
          http_filters:
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  clusters:
  - name: api
    type: STRICT_DNS
    load_assignment:
      cluster_name: api
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: api.internal, port_value: 80 } } } }] }]
`;

let dir: string;
let file: string;
beforeAll(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-explain-'));
  file = path.join(dir, 'front.yaml');
  fs.writeFileSync(file, CONFIG);
});
afterAll(() => fs.rmSync(dir, { recursive: true }));

async function explain(...argv: string[]) {
  const io = new TestIo();
  const code = await main(['explain', ...argv], io);
  return { code, stdout: io.stdout, stderr: io.stderr };
}

describe('mesh explain', () => {
  it('prints which listener, virtual host, route and cluster a request meets, with their places', async () => {
    const { code, stdout, stderr } = await explain('-c', file, 'GET http://front.test/api/x', '-H', 'x-version: 2');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(
      `listener        web (127.0.0.1:8080), the only one with HTTP; the URL's port is 80  (${file}:3:5)`,
    );
    expect(stdout).toContain(`virtual host    front: exact "front.test"  (${file}:13:15)`);
    expect(stdout).toContain(
      `route           2 of 3 "api": prefix "/api", header "x-version" exact "2"  (${file}:18:17)`,
    );
    expect(stdout).toContain(
      `  1             path "/ping"  (${file}:16:17)\n                path: wanted path "/ping", got "/api/x"\n`,
    );
    expect(stdout).toContain('upstream request  GET /v2/x, host front.test\n  - :path: /api/x\n  + :path: /v2/x\n');
    expect(stdout).toContain(
      `cluster         api (strict_dns, round_robin)  (${file}:27:5)\n  host          api.internal:80  a name, not looked up\n`,
    );
    expect(stdout).not.toContain('\u001b');
  });

  it('--json prints the same as data', async () => {
    const { code, stdout } = await explain('-c', file, 'http://front.test/api', '-H', 'x-version: 2', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      outcome: 'forward',
      virtualHost: { name: 'front', match: 'exact' },
      route: { name: 'api', index: 1, at: { file, line: 18, col: 17 } },
      earlierRoutes: [{ index: 0 }],
      cluster: { name: 'api', hosts: [{ address: 'api.internal:80', unresolved: true }] },
      upstreamRequest: { path: '/v2' },
    });
  });

  it.each([
    ['http://front.test/ping', 0],
    ['http://front.test/none', 2],
    ['http://other.test/', 2],
    ['http://front.test/\u0001', 2],
  ])('%j ends with %i', async (url, expected) => {
    expect((await explain('-c', file, url)).code).toBe(expected);
  });

  it('takes method and URL as one word or two, and the flags of the request', async () => {
    const { stdout } = await explain(
      '-c',
      file,
      'POST',
      'http://h/some',
      '-H',
      'Host: front.test',
      '-H',
      'a: b:c',
      '--json',
    );
    expect(JSON.parse(stdout).request).toMatchObject({
      method: 'POST',
      headers: [
        ['Host', 'front.test'],
        ['a', 'b:c'],
      ],
    });
    const flags = [
      '--source-ip',
      '::1',
      '--tls',
      '--server-name',
      'inner.test',
      '--random',
      '7',
      '--runtime',
      'some=7',
      '--listener',
      'web',
      '--json',
    ];
    const asked = JSON.parse((await explain('-c', file, 'http://front.test/some', ...flags)).stdout);
    expect(asked).toMatchObject({
      request: { sourceIp: '::1', tls: true, random: 7, runtime: { some: '7' } },
      listener: { note: 'named by the caller' },
      outcome: 'no_route',
    });
  });

  it('tells the places of what --config-yaml has added', async () => {
    const cluster = 'static_resources:\n  clusters:\n  - { name: more, type: STATIC }\n';
    const asked = ['-c', file, '--config-yaml', cluster, 'http://front.test/api', '-H', 'x-version: 2', '--json'];
    expect(JSON.parse((await explain(...asked)).stdout).cluster.at).toEqual({ file, line: 27, col: 5 });
    const alone = JSON.parse((await explain('--config-yaml', CONFIG, 'http://front.test/ping', '--json')).stdout);
    expect(alone.route.at).toEqual({ file: '--config-yaml', line: 16, col: 17 });
  });

  it('reports every problem of the configuration with its place', async () => {
    const bad = path.join(dir, 'bad.yaml');
    fs.writeFileSync(bad, CONFIG.replace('stat_prefix', 'stat_prefx').replace('prefix: /api', 'prefx: /api'));
    const { code, stdout, stderr } = await explain('-c', bad, 'http://front.test/');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^${bad}:10:11 .*stat_prefx`, 'm'));
    expect(stderr).toMatch(new RegExp(`^${bad}:19:26 .*prefx`, 'm'));
  });

  it.each([
    [[], `mesh explain: no request is given: mesh explain -c FILE 'GET http://host/path'\n`],
    [['http://h/'], 'mesh explain: no configuration is given: use -c FILE\n'],
    [['-c', 'x', 'h/'], 'cannot be read'],
    [
      ['--config-yaml', 'static_resources: {}', 'http://h/'],
      'mesh explain: no listener has an HTTP connection manager\n',
    ],
    [['-c', 'x', 'http://h/', '-H', 'novalue'], `mesh explain: --header "novalue": expected 'NAME: VALUE'\n`],
    [['-c', 'x', 'http://h/', '--runtime', 'a'], 'mesh explain: --runtime "a": expected KEY=VALUE\n'],
    [['-c', 'x', 'http://h/', '--headr', 'a: b'], 'mesh explain: unknown flag --headr; did you mean --header?\n'],
  ])('%j ends with 1 and a sentence', async (argv, message) => {
    const { code, stderr } = await explain(...argv);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });

  it('opens no socket and looks nothing up', async () => {
    const listen = vi.spyOn(net.Server.prototype, 'listen');
    const connect = vi.spyOn(net.Socket.prototype, 'connect');
    await explain('-c', file, 'http://front.test/api', '-H', 'x-version: 2');
    expect([listen.mock.calls, connect.mock.calls]).toEqual([[], []]);
    vi.restoreAllMocks();
  });

  it('--help tells flags and exit codes', async () => {
    const { code, stdout } = await explain('--help');
    expect(code).toBe(0);
    expect(stdout).toContain("-H, --header 'K: V'");
    expect(stdout).toContain('2 when no route matches');
  });
});
