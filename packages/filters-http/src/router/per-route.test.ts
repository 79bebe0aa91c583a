/** Per-route config of a filter of one's own, through YAML: values, switches, and what is refused. */
import { defineHttpFilter } from '@mesh/core';
import { startProxy } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ask, closeAfterEach, get, proxyFor } from './fixture.ts';
import { router } from './index.ts';

closeAfterEach();

const greet = defineHttpFilter({
  name: 'acme.greet',
  config: z.object({ helloText: z.string() }),
  routeConfig: z.object({ helloText: z.string() }),
  create: ({ helloText }, context) => ({
    onResponseHeaders: (headers, stream) => headers.set('x-hello', context.routeConfig(stream)?.helloText ?? helloText),
  }),
});

const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const struct = (value: object) => ({ '@type': 'type.googleapis.com/google.protobuf.Struct', value });
const filterConfig = (value: object) => ({
  '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig',
  ...value,
});

function bootstrap(perHost: object, perRoute: object, entry: object = {}) {
  const direct_response = { status: 200, body: { inline_string: 'x' } };
  const virtual_hosts = [
    {
      name: 'all',
      domains: ['*'],
      typed_per_filter_config: perHost,
      routes: [
        { match: { prefix: '/special' }, direct_response, typed_per_filter_config: perRoute },
        { match: { prefix: '/' }, direct_response },
      ],
    },
  ];
  const http_filters = [
    { name: 'acme.greet', typed_config: struct({ hello_text: 'chain' }), ...entry },
    {
      name: 'envoy.filters.http.router',
      typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
    },
  ];
  const typed_config = { '@type': HCM, stat_prefix: 'in', route_config: { name: 'r', virtual_hosts }, http_filters };
  const filters = [{ name: 'envoy.filters.network.http_connection_manager', typed_config }];
  const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
  return { static_resources: { listeners: [{ name: 'l', address, filter_chains: [{ filters }] }] } };
}

async function hellos(config: object) {
  const proxy = await proxyFor({ config, extensions: [router, greet] });
  const special = await ask(proxy, get('/special'));
  const other = await ask(proxy, get('/other'));
  return [special.headers['x-hello'], other.headers['x-hello']];
}

describe('typed_per_filter_config', () => {
  it('of a route wins over that of its virtual host, and that over the chain', async () => {
    expect(await hellos(bootstrap({}, {}))).toEqual(['chain', 'chain']);
    const host = { 'acme.greet': struct({ hello_text: 'host' }) };
    const own = { 'acme.greet': struct({ helloText: 'route' }) };
    expect(await hellos(bootstrap(host, {}))).toEqual(['host', 'host']);
    expect(await hellos(bootstrap(host, own))).toEqual(['route', 'host']);
  });

  it('switches a filter off, or on', async () => {
    const off = { 'acme.greet': filterConfig({ disabled: true }) };
    expect(await hellos(bootstrap({}, off))).toEqual([undefined, 'chain']);
    const on = { 'acme.greet': filterConfig({ config: struct({ hello_text: 'route' }) }) };
    expect(await hellos(bootstrap({}, on, { disabled: true }))).toEqual(['route', undefined]);
  });

  it('is checked when the config is loaded', async () => {
    const wrong = bootstrap({}, { 'acme.greet': struct({ hello_txt: 'x' }) });
    await expect(startProxy({ config: wrong, extensions: [router, greet] })).rejects.toThrow(/hello_txt/);
    const unknown = bootstrap({}, { 'acme.nobody': struct({}) });
    await expect(startProxy({ config: unknown, extensions: [router, greet] })).rejects.toThrow(/acme\.nobody/);
  });
});
