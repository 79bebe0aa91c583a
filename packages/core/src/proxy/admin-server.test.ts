import { mkdtemp, rm, stat } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { LogSubject } from '../api/access-log.ts';
import { cluster } from '../compose.ts';
import { createProxy, type ProxyOptions } from '../create-proxy.ts';
import { defineAccessLog } from '../define/index.ts';
import type { MeshProxy } from '../proxy.ts';

const entries: object[] = [];
let closed = 0;

/** Stands for the logger of files. */
const fileLog = defineAccessLog({
  name: 'envoy.access_loggers.file',
  config: z.object({ path: z.string() }),
  create: ({ path }) => ({
    log: (subject: LogSubject, type) => {
      const { info, requestHeaders, responseHeaders, connection } = subject;
      entries.push({
        path,
        type,
        line: `${requestHeaders.method} ${requestHeaders.path} ${requestHeaders.authority}`,
        status: responseHeaders?.status,
        bytes: [info.bytesReceived, info.bytesSent],
        forwardedFor: requestHeaders.get('x-forwarded-for') !== undefined,
        remoteIp: connection.remoteIp,
      });
    },
    close: () => {
      closed++;
    },
  }),
});

let proxy: MeshProxy | undefined;
afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
  entries.length = 0;
  closed = 0;
});

async function start(options: ProxyOptions): Promise<MeshProxy> {
  proxy = await createProxy(options);
  await proxy.start();
  return proxy;
}

const ADDRESS = 'address: { socket_address: { address: 127.0.0.1, port_value: 0 } }';

async function withAdmin(yaml: string) {
  const { adminAddress } = await start({ configOverride: `admin:\n  ${ADDRESS}\n  ${yaml}\n`, extensions: [fileLog] });
  const { port } = adminAddress as { readonly port: number };
  return (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
}

describe('admin', () => {
  it.each([
    ['access_log', 'access_log: [{ name: envoy.access_loggers.file, typed_config: { path: /logs/admin } }]'],
    ['access_log_path', 'access_log_path: /logs/admin'],
  ])('%s logs every request, and is closed at the end', async (_field, yaml) => {
    const ask = await withAdmin(yaml);
    await (await ask('/ready?x=1')).text();
    await (await ask('/nope')).text();
    await expect.poll(() => entries.length).toBe(2);
    expect(entries[0]).toMatchObject({
      path: '/logs/admin',
      type: 'DownstreamEnd',
      line: expect.stringMatching(/^GET \/ready\?x=1 127\.0\.0\.1:\d+$/),
      status: 200,
      bytes: [0, 5],
      forwardedFor: true,
      remoteIp: '127.0.0.1',
    });
    expect(entries[1]).toMatchObject({ status: 404 });
    await proxy?.close();
    expect(closed).toBe(1);
  });

  it('access_log_path needs a logger of files, /dev/null and nothing need none', async () => {
    const config = (path: string) => `admin:\n  ${ADDRESS}\n  access_log_path: ${path}\n`;
    await start({ configOverride: config('/dev/null') });
    await proxy?.close();
    await expect(start({ configOverride: config('/logs/x') })).rejects.toThrow(
      'admin.access_log_path: the extension envoy.access_loggers.file is not registered',
    );
    // It is told before anything is started.
    await expect(createProxy({ configOverride: config('/logs/x') })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('allow_paths leaves some endpoints', async () => {
    const ask = await withAdmin('allow_paths: [{ exact: /ready }, { prefix: /stats }]');
    expect((await ask('/ready')).status).toBe(200);
    expect((await ask('/stats?usedonly')).status).toBe(200);
    const refused = await ask('/config_dump');
    expect([refused.status, await refused.text()]).toEqual([403, 'request to path /config_dump not allowed']);
  });

  it('listens on loopback unless code says otherwise', async () => {
    const { adminAddress } = await start({ admin: { port: 0 }, clusters: [] });
    expect(adminAddress).toMatchObject({ address: '127.0.0.1' });
  });

  it('listens on a unix socket that code asks for, with its mode', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mesh-admin-'));
    const path = join(folder, 'admin.sock');
    await start({ admin: { path, mode: 0o600 }, clusters: [] });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const status = await new Promise((resolve, reject) => {
      get({ socketPath: path, path: '/ready' }, (response) => resolve(response.resume().statusCode)).on(
        'error',
        reject,
      );
    });
    expect(status).toBe(200);
    await proxy?.close();
    await rm(folder, { recursive: true });
  });
});

describe('/config_dump', () => {
  it('checks masks against the fields that Envoy has, and shows the endpoints that are there', async () => {
    const { adminAddress } = await start({
      admin: { port: 0 },
      clusters: [cluster('a', { endpoints: ['127.0.0.1:1', '127.0.0.2:1'] })],
    });
    const { port } = adminAddress as { readonly port: number };
    const ask = async (query: string) => (await fetch(`http://127.0.0.1:${port}/config_dump?${query}`)).text();
    expect(await ask('resource=static_clusters&mask=cluster.nope')).toContain('could not be successfully used');
    // Known, although it is not supported here.
    expect(JSON.parse(await ask('resource=static_clusters&mask=cluster.track_cluster_stats')).configs).toHaveLength(1);
    const { configs } = JSON.parse(await ask('resource=static_endpoint_configs&include_eds'));
    const hosts = configs[0].endpoint_config.endpoints[0].lb_endpoints;
    expect(hosts.map((host: { endpoint: { address: object } }) => host.endpoint.address)).toEqual([
      { socket_address: { address: '127.0.0.1', port_value: 1 } },
      { socket_address: { address: '127.0.0.2', port_value: 1 } },
    ]);
  });
});
