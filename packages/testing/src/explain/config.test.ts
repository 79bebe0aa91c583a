import { ConfigError, cluster, ExplainError, http, listener, route } from '@mesh/core';
import { router } from '@mesh/filters-http';
import { describe, expect, it } from 'vitest';
import { expectRoute, explain } from './explain.ts';
import { ask, hcm, listenerAt } from './fixture.ts';

describe('explain listener', () => {
  const two = {
    static_resources: {
      listeners: [
        listenerAt(80, hcm([{ name: 'a', domains: ['*'], routes: [] }]), 'plain'),
        listenerAt(8080, hcm([{ name: 'b', domains: ['*'], routes: [] }]), 'alt'),
      ],
      clusters: [],
    },
  };

  it.each([
    ['http://x/', {}, 'plain'],
    ['http://x:8080/', {}, 'alt'],
    ['http://x:9999/', { listener: 'alt' }, 'alt'],
  ])('%s %j comes to %s', async (url, options, name) => {
    expect((await explain(two, url, options)).listener.name).toBe(name);
  });

  it('further addresses of a listener count as well', async () => {
    const [plain, alt] = two.static_resources.listeners;
    const more = [{ address: { socket_address: { address: '0.0.0.0', port_value: 81 } } }];
    const config = { static_resources: { listeners: [{ ...plain, additional_addresses: more }, alt] } };
    expect((await explain(config, 'http://x:81/')).listener).toMatchObject({ name: 'plain', address: '0.0.0.0:80' });
  });

  it('the default filter chain has no position, but a place', async () => {
    const { filter_chains, ...rest } = listenerAt(80, hcm([{ name: 'a', domains: ['*'], routes: [] }]));
    const config = { static_resources: { listeners: [{ ...rest, default_filter_chain: filter_chains[0] }] } };
    const { filterChain, connectionManager, virtualHost } = await explain(config, 'http://x/');
    expect(filterChain).toMatchObject({ name: 'main', index: -1, at: { file: 'config.json' } });
    expect(connectionManager.at?.line).toBeGreaterThan(filterChain.at?.line ?? 0);
    expect(virtualHost?.at?.line).toBeGreaterThan(connectionManager.at?.line ?? 0);
  });

  it('tells address and filter chain', async () => {
    const { listener, filterChain } = await explain(two, 'http://x/');
    expect(listener).toMatchObject({ name: 'plain', address: '0.0.0.0:80' });
    expect(filterChain).toMatchObject({ name: 'main', index: 0, networkFilters: [] });
  });

  it('the only one with HTTP is meant whatever the port, and that is told', async () => {
    expect((await ask('http://api.test/')).listener).toMatchObject({
      name: 'l8080',
      note: "the only one with HTTP; the URL's port is 80",
    });
    expect((await ask('http://rest.test:8080/')).listener.note).toBeUndefined();
  });

  it.each([
    [
      'http://x:9999/',
      {},
      'no listener has port 9999: name one with --listener: plain (0.0.0.0:80), alt (0.0.0.0:8080)',
    ],
    ['http://x/', { listener: 'plan' }, 'no listener is named "plan" (did you mean "plain"?): plain, alt'],
    ['x/', {}, '"x/" is no URL: expected http://host/path or https://host/path'],
    ['GET http://x/ y', {}, 'expected "METHOD URL", got "GET http://x/ y"'],
    ['http://x/', { sourceIp: 'me' }, 'the source address "me" is no IP address'],
    ['http://x/', { random: 0.5 }, 'the draw must be a whole number from 0 to 4294967295, not 0.5'],
  ])('%s %j: %s', async (url, options, message) => {
    const asking = explain(two, url, options);
    await expect(asking).rejects.toThrow(ExplainError);
    await expect(asking).rejects.toThrow(message);
  });
});

describe('explain with scoped routes', () => {
  const table = (name: string) => ({
    name,
    virtual_hosts: [
      { name: `host-${name}`, domains: ['*'], routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }] },
    ],
  });
  const scope = (name: string) => ({
    name,
    key: { fragments: [{ string_key: name }] },
    route_configuration: table(name),
  });
  const scoped = {
    static_resources: {
      listeners: [
        listenerAt(
          80,
          hcm([], {
            route_config: undefined,
            scoped_routes: {
              name: 's',
              scope_key_builder: { fragments: [{ header_value_extractor: { name: 'x-tenant', index: 0 } }] },
              scoped_route_configurations_list: { scoped_route_configurations: [scope('a'), scope('b')] },
            },
          }),
        ),
      ],
    },
  };

  it.each(['a', 'b'])('tells the table of scope %s, with places', async (tenant) => {
    const seen = await explain(scoped, 'http://x/', { headers: { 'x-tenant': tenant } });
    expect(seen.connectionManager.routeConfig).toBe(tenant);
    expect(seen.virtualHost).toMatchObject({ name: `host-${tenant}`, at: { file: 'config.json' } });
    expect(seen.route?.at?.line).toBeGreaterThan(seen.virtualHost?.at?.line ?? 0);
  });

  it('tells that no scope fits', async () => {
    const seen = await explain(scoped, 'http://x/');
    expect(seen).toMatchObject({
      outcome: 'no_route',
      noVirtualHost: { hint: 'no scope fits' },
      response: { status: 404 },
    });
  });
});

describe('explain config', () => {
  it('reports every problem of a bad one, as the proxy does', async () => {
    const bad = { static_resources: { listeners: [{ nam: 'x' }], clustrs: [] } };
    const error: unknown = await explain(bad, 'http://x/').catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).issues.length).toBeGreaterThan(1);
    expect((error as ConfigError).issues[0]).toMatchObject({ file: 'config.json', line: expect.any(Number) });
  });

  it('built in code has no places', async () => {
    const listeners = [listener({ port: 80, http: http({ routes: [route('/', 'up')], filters: [router()] }) })];
    const clusters = [cluster('up', { endpoints: ['127.0.0.1:1'] })];
    const seen = await expectRoute({ listeners, clusters }, 'http://x/p').toReach('up', { path: '/p', host: 'x' });
    expect(seen.route?.at).toBeUndefined();
  });
});
