import { get } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { http, listener, route } from '../compose.ts';
import { createProxy } from '../create-proxy.ts';
import { defineHttpFilter, defineTerminalHttpFilter } from '../define/index.ts';
import type { MeshProxy } from '../proxy.ts';

const hello = defineTerminalHttpFilter({
  name: 'test.filters.http.hello',
  config: z.object({}),
  create: () => ({ onRequestHeaders: (_headers, stream) => stream.reply(200, 'hello') }),
});

const value = z.object({ value: z.string().default('none') });
const tag = defineHttpFilter({
  name: 'test.filters.http.tag',
  typeUrl: 'type.googleapis.com/test.Tag',
  config: value,
  routeConfig: value,
  create: (config, { routeConfig }) => ({
    onResponseHeaders: (headers, stream) => headers.append('x-tag', routeConfig(stream)?.value ?? config.value),
  }),
});

let proxy: MeshProxy;
afterEach(() => proxy.close());

async function started(): Promise<void> {
  const manager = http({
    routeConfigName: 'table',
    routes: [route('/', undefined, { directResponse: { status: 204 } })],
    filters: [tag({}), hello()],
  });
  proxy = await createProxy({
    extensions: [tag, hello],
    listeners: [listener({ name: 'l', host: '127.0.0.1', http: manager })],
  });
  await proxy.start();
}

function ask(): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const { port } = proxy.address('l');
    const request = get({ host: '127.0.0.1', port, agent: false }, (response) => {
      response.resume();
      resolve(response.headers['x-tag'] as string | undefined);
    });
    request.on('error', reject);
  });
}

const json = (perFilter: object) => ({
  json: {
    virtual_hosts: [
      {
        name: 'all',
        domains: ['*'],
        routes: [{ match: { prefix: '/' }, direct_response: { status: 204 }, typed_per_filter_config: perFilter }],
      },
    ],
  },
});

describe('proxy.routes', () => {
  it('gives filters their config for the new routes, and switches them off', async () => {
    await started();
    expect(await ask()).toBe('none');
    await proxy.routes.set('table', json({ [tag.name]: { '@type': tag.typeUrl, value: 'new' } }));
    expect(await ask()).toBe('new');
    const off = { '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig', disabled: true };
    await proxy.routes.set('table', json({ [tag.name]: off }));
    expect(await ask()).toBeUndefined();
    await proxy.routes.remove('table');
    expect(await ask()).toBe('none');
  });

  it('refuses config for filters that the connection manager does not have', async () => {
    await started();
    const wrong = json({ nobody: { '@type': tag.typeUrl, value: 'new' } });
    await expect(proxy.routes.set('table', wrong)).rejects.toThrow('no HTTP filter of this chain is named "nobody"');
    expect(await ask()).toBe('none');
  });

  it('takes back what a listener that comes later cannot be built with', async () => {
    await started();
    await proxy.routes.set('table', json({ [tag.name]: { '@type': tag.typeUrl, value: 'new' } }));
    const bare = http({ routeConfigName: 'table', routes: [], filters: [hello()] });
    const other = listener({ name: 'm', host: '127.0.0.1', http: bare });
    await expect(proxy.listeners.set(other)).rejects.toThrow('no HTTP filter of this chain is named');
    expect(proxy.listeners.list().map(({ name }) => name)).toEqual(['l']);
  });

  it('takes updates of listeners no longer once the proxy drains', async () => {
    await started();
    await proxy.drain();
    const bare = http({ routes: [], filters: [hello()] });
    const other = listener({ name: 'm', host: '127.0.0.1', http: bare });
    await expect(proxy.listeners.set(other)).rejects.toMatchObject({ code: 'CLOSED' });
  });
});
