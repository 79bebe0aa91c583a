import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { cluster, http, listener, route } from './compose.ts';
import { ConfigError } from './config/issues.ts';
import { createProxy, validateConfig } from './create-proxy.ts';
import { defineDiscovery, defineHttpFilter, defineNetworkFilter, defineTerminalHttpFilter } from './define/index.ts';

const end = defineTerminalHttpFilter({ name: 'test.filters.http.end', config: z.object({}), create: () => ({}) });
const pass = defineHttpFilter({ name: 'test.filters.http.pass', config: z.object({}), create: () => ({}) });
const tap = defineNetworkFilter({ name: 'test.filters.network.tap', config: z.object({}), create: () => ({}) });

const to = (name: string) => http({ routes: [route('/', name)], filters: [end()] });
const at = (name: string) => ({ name, host: '127.0.0.1', port: 0 });
const path = 'createProxy static_resources';

const yaml = `static_resources:
  listeners:
  - name: y
    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          http_filters: [{ name: test.filters.http.end }]
          route_config:
            virtual_hosts: [{ name: v, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: built } }] }]
`;

describe('createProxy', () => {
  it.each([
    [
      'a route to nowhere',
      { listeners: [listener({ ...at('l'), http: to('nope') })] },
      `${path}.listeners[0].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes[0].route.cluster: route: unknown cluster 'nope'`,
    ],
    [
      'two clusters of a name',
      { clusters: [cluster('c', { endpoints: [] }), cluster('c', { endpoints: [] })] },
      `${path}.clusters[1].name: cluster manager: duplicate cluster 'c'`,
    ],
    [
      'two listeners of a name',
      {
        clusters: [cluster('c', { endpoints: [] })],
        listeners: [listener({ ...at('l'), http: to('c') }), listener({ ...at('l'), http: to('c') })],
      },
      `${path}.listeners[1].name: error adding listener: duplicate listener name 'l'`,
    ],
    [
      'a chain that does not end',
      { listeners: [listener({ ...at('l'), http: http({ routes: [], filters: [pass()] }) })] },
      'Error: non-terminal filter named test.filters.http.pass of type test.filters.http.pass is the last filter in a http filter chain.',
    ],
    [
      'a chain that ends early',
      { listeners: [listener({ ...at('l'), http: http({ routes: [], filters: [end(), end()] }) })] },
      'Error: terminal filter named test.filters.http.end of type test.filters.http.end must be the last filter in a http filter chain.',
    ],
    [
      'a network chain that does not end',
      { listeners: [listener({ ...at('l'), filters: [tap()] })] },
      'Error: non-terminal filter named test.filters.network.tap of type test.filters.network.tap is the last filter in a network filter chain.',
    ],
    [
      'names without discovery',
      { clusters: [cluster('c', { type: 'STRICT_DNS', endpoints: ['a.test:1'] })] },
      `${path}.clusters[0].type: no extension serves clusters of type STRICT_DNS (pass extensions: [...standard])`,
    ],
  ])('refuses code that builds %s', async (_, options, message) => {
    const error = await createProxy(options).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).message).toContain(message);
  });

  it('routes of a file may point at clusters that code has built', async () => {
    const options = { config: { static_resources: {} }, configOverride: yaml, extensions: [end] };
    await expect(validateConfig(options)).rejects.toThrow("unknown cluster 'built'");
    await validateConfig({ ...options, clusters: [cluster('built', { endpoints: ['127.0.0.1:1'] })] });
  });

  it('a listener of code may not have the name of one of the file', async () => {
    const clusters = [cluster('built', { endpoints: [] })];
    const listeners = [listener({ ...at('y'), http: to('built') })];
    await expect(createProxy({ configOverride: yaml, extensions: [end], clusters, listeners })).rejects.toThrow(
      `${path}.listeners[1].name: error adding listener: duplicate listener name 'y'`,
    );
  });

  it('a direct response from a file that is not there is a problem of the configuration', async () => {
    const routes = [route('/', undefined, { directResponse: { status: 200, body: { filename: '/nonexistent' } } })];
    const build = createProxy({ listeners: [listener({ ...at('l'), http: http({ routes, filters: [end()] }) })] });
    await expect(build).rejects.toThrow(/file \/nonexistent does not exist/);
  });

  it('tells problems of an object in the file config.json', async () => {
    await expect(createProxy({ config: { bogus: 1 } })).rejects.toThrow(/^config\.json:2:3 bogus: unknown field/);
  });

  describe('what was built', () => {
    const closed: string[] = [];
    const names = defineDiscovery({
      name: 'test.discovery.names',
      types: ['STRICT_DNS'],
      create: ({ clusterName }) => ({ start: () => Promise.resolve(), close: () => void closed.push(clusterName) }),
    });
    const broken = defineTerminalHttpFilter({
      name: 'test.filters.http.broken',
      config: z.object({}),
      create: () => {
        throw new Error('no such key');
      },
    });
    const clusters = ['a', 'b'].map((name) => cluster(name, { type: 'STRICT_DNS', endpoints: ['a.test:1'] }));

    it.each<[string, ReturnType<typeof to>, string | undefined]>([
      ['when a later part cannot be built', http({ routes: [], filters: [broken()] }), 'no such key'],
      ['when it was built to be checked only', to('a'), undefined],
    ])('is closed %s', async (_, chain, problem) => {
      closed.length = 0;
      const listeners = [listener({ ...at('l'), http: chain })];
      const checked = validateConfig({ clusters, listeners, extensions: [names] }).catch(
        ({ message }: Error) => message,
      );
      expect(await checked).toBe(problem);
      expect(closed).toEqual(['a', 'b']);
    });
  });
});
