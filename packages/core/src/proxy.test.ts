import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage, type RequestOptions } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { http, listener, route } from './compose.ts';
import { createProxy, type ProxyOptions } from './create-proxy.ts';
import { defineHttpFilter, defineTerminalHttpFilter } from './define/index.ts';
import type { MeshProxy } from './proxy.ts';

/** Ends a chain without an upstream. */
const hello = defineTerminalHttpFilter({
  name: 'test.filters.http.hello',
  config: z.object({}),
  create: () => ({ onRequestHeaders: (headers, stream) => stream.reply(200, `hello ${headers.path}\n`) }),
});

const tag = defineHttpFilter({
  name: 'test.filters.http.tag',
  config: z.object({ value: z.string() }),
  create: ({ value }) => ({ onResponseHeaders: (headers) => headers.append('x-tag', value) }),
});

const chain = () => http({ routes: [route('/', undefined, { directResponse: { status: 204 } })], filters: [hello()] });

let folder: string;
const proxies: MeshProxy[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-'));
});

afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.close();
  rmSync(folder, { recursive: true });
});

async function started(options: ProxyOptions): Promise<MeshProxy> {
  const proxy = await createProxy(options);
  proxies.push(proxy);
  await proxy.start();
  return proxy;
}

async function ask(options: RequestOptions): Promise<{ response: IncomingMessage; body: string }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ agent: false, ...options }, resolve).once('error', reject);
  });
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { response, body };
}

async function takenPort(): Promise<{ port: number; free: () => void }> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, free: () => void server.close() };
}

describe('MeshProxy', () => {
  it('listens on a port of the system, on IPv6 and on a unix socket', async () => {
    const path = join(folder, 'mesh.sock');
    const proxy = await started({
      listeners: [
        listener({ name: 'v4', host: '127.0.0.1', http: chain() }),
        listener({ name: 'v6', host: '::1', http: chain() }),
        listener({ name: 'unix', path, http: chain() }),
      ],
    });
    const { port } = proxy.address('v4');
    expect((await ask({ port, path: '/a' })).body).toBe('hello /a\n');
    expect((await ask({ host: '::1', port: proxy.address('v6').port, path: '/b' })).body).toBe('hello /b\n');
    expect((await ask({ socketPath: path, path: '/c' })).body).toBe('hello /c\n');
    expect(proxy.address('unix')).toEqual({ address: path, port: -1 });
  });

  it('replaces the socket file of a dead process, not that of a living one', async () => {
    const path = join(folder, 'mesh.sock');
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(existsSync(path)).toBe(true);
    await started({ listeners: [listener({ path, http: chain() })] });
    expect((await ask({ socketPath: path, path: '/' })).body).toBe('hello /\n');
    const second = await createProxy({ listeners: [listener({ path, http: chain() })] });
    await expect(second.start()).rejects.toThrow('EADDRINUSE');
    expect((await ask({ socketPath: path, path: '/' })).body).toBe('hello /\n');
  });

  it('start tells which address cannot be bound, and leaves nothing bound', async () => {
    const taken = await takenPort();
    const proxy = await createProxy({
      listeners: [
        listener({ name: 'good', host: '127.0.0.1', http: chain() }),
        listener({ name: 'bad', host: '127.0.0.1', port: taken.port, http: chain() }),
      ],
      admin: { port: 0 },
    });
    await expect(proxy.start()).rejects.toThrow(`listener bad: cannot bind 127.0.0.1:${taken.port}`);
    expect(() => proxy.address('good')).toThrow('no bound listener good');
    taken.free();
  });

  it('address of a listener that is not there is an error', async () => {
    const proxy = await started({ listeners: [listener({ name: 'a', host: '127.0.0.1', http: chain() })] });
    expect(() => proxy.address('b')).toThrow('no bound listener b');
  });

  it('can be started once', async () => {
    const proxy = await started({});
    await expect(proxy.start()).rejects.toThrow('a proxy can be started once');
  });

  it('runs response filters in reverse order of the chain', async () => {
    const filters = [tag({ value: 'outer' }), tag({ value: 'inner' }), hello()];
    const proxy = await started({
      listeners: [listener({ host: '127.0.0.1', http: http({ routes: [], filters }) })],
    });
    const { response } = await ask({ port: proxy.address().port });
    expect(response.headers['x-tag']).toBe('inner, outer');
  });

  it('finds a filter of its own in YAML by name', async () => {
    const file = join(folder, 'proxy.yaml');
    writeFileSync(
      file,
      `static_resources:
  listeners:
    - name: main
      address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: in
                route_config: { virtual_hosts: [] }
                http_filters:
                  - name: test.filters.http.tag
                    typed_config: { value: from-yaml }
                  - name: test.filters.http.hello
`,
    );
    const proxy = await started({ config: file, extensions: [tag, hello] });
    const { response } = await ask({ port: proxy.address('main').port });
    expect(response.headers['x-tag']).toBe('from-yaml');
  });

  it('refuses two extensions of one name', async () => {
    const twin = defineHttpFilter({ name: tag.name, config: z.object({}), create: () => ({}) });
    await expect(createProxy({ extensions: [tag, twin] })).rejects.toThrow('two http-filter extensions have the name');
  });

  it('refuses a chain whose last filter is not terminal', async () => {
    const open = http({ routes: [], filters: [tag({ value: 'x' })] });
    const options = { listeners: [listener({ host: '127.0.0.1', http: open })] };
    await expect(createProxy(options)).rejects.toThrow('non-terminal filter named test.filters.http.tag');
  });

  it('serves the admin endpoints about itself', async () => {
    const proxy = await started({
      listeners: [listener({ name: 'in', host: '127.0.0.1', http: chain() })],
      admin: { port: 0 },
      node: { id: 'n1', cluster: 'c1' },
    });
    const { port } = proxy.adminAddress as { port: number };
    await ask({ port: proxy.address('in').port });
    expect((await ask({ port, path: '/ready' })).body).toBe('LIVE\n');
    expect((await ask({ port, path: '/listeners' })).body).toBe(`in::127.0.0.1:${proxy.address('in').port}\n`);
    const stats = await ask({ port, path: '/stats?filter=downstream_rq_2xx' });
    expect(stats.body).toContain('http.ingress_http.downstream_rq_2xx: 1\n');
    const info = JSON.parse((await ask({ port, path: '/server_info' })).body);
    expect(info).toMatchObject({ state: 'LIVE', node: { id: 'n1', cluster: 'c1' } });
  });

  it('drain tells clients to close and resolves when the last connection is gone', async () => {
    const proxy = await started({ listeners: [listener({ host: '127.0.0.1', http: chain() })] });
    const { port } = proxy.address();
    const socket = net.connect(port, '127.0.0.1');
    const received: Buffer[] = [];
    socket.on('data', (chunk) => received.push(chunk));
    await new Promise((resolve) => socket.once('connect', resolve));
    // The listener stops at once; the connection that it has accepted is still served.
    socket.write('GET /first HTTP/1.1\r\nHost: h\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    const drained = proxy.drain();
    socket.write('GET /last HTTP/1.1\r\nHost: h\r\n\r\n');
    await new Promise((resolve) => socket.once('end', resolve));
    socket.end();
    await drained;
    const text = Buffer.concat(received).toString();
    expect(text).toContain('hello /last');
    expect(text.split('connection: close')).toHaveLength(2);
    await expect(ask({ port })).rejects.toThrow('ECONNREFUSED');
  });
});
