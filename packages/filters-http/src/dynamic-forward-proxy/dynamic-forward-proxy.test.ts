/** The filter before a cluster whose names the test knows; bodies, flags and details as those of a running Envoy 1.40. */
import {
  type ClusterConfig,
  cluster,
  defineDiscovery,
  defineHttpFilter,
  type Extension,
  flagString,
  type NamedHost,
  type NameRefusal,
  type NameUser,
  type NameWait,
  route,
} from '@mesh/core';
import { message } from '@mesh/core/proto';
import { startUpstream, type Upstream, until } from '@mesh/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { ask, clientOf, closeAfterEach, proxyFor } from '../router/fixture.ts';
import { dynamicForwardProxy } from './index.ts';

closeAfterEach();

type Loaded = NamedHost | NameRefusal | 'wait';

/** A cluster of names: `load` says what the test says, and its one host is the upstream. */
class Names {
  readonly loads: string[] = [];
  readonly users: NameUser[] = [];
  cancelled = 0;
  answer: Loaded = { address: '127.0.0.1:1', details: '' };

  load(authority: string, user: NameUser, port = 80): NamedHost | NameRefusal | NameWait {
    this.loads.push(`${authority} ${port}`);
    if (this.answer !== 'wait') return this.answer;
    this.users.push(user);
    return { cancel: () => void this.cancelled++ };
  }
}

function typeOf(names: Names) {
  return defineDiscovery({
    name: 'test.names',
    create: ({ config, publish }) => {
      const locality = { region: '', zone: '', subZone: '' };
      const port = Number((config as ClusterConfig).metadata?.filterMetadata.test?.port);
      const host = { ip: '127.0.0.1', port, hostname: '', weight: 1, priority: 0, locality };
      return {
        start: async () => publish([host]),
        close: () => {},
        names: { cacheName: 'c', defaultPort: 80, load: (...args: Parameters<Names['load']>) => names.load(...args) },
      };
    },
  });
}

const spy = (seen: object[]) =>
  defineHttpFilter({
    name: 'spy',
    config: message({}, { name: 'Spy' }),
    create: () => ({
      onRequestHeaders(headers, { info }) {
        const [host, port] = [headers.get('x-state-host'), headers.get('x-state-port')];
        if (host) info.filterState.set('envoy.upstream.dynamic_host', host);
        if (port) info.filterState.set('envoy.upstream.dynamic_port', Number(port));
      },
      onComplete({ info }) {
        const { details, filterState, flags } = info;
        seen.push({ details, flags: flagString(flags), saved: filterState.get('envoy.stream.upstream_address') });
      },
    }),
  });

let names: Names;
let seen: { details: string; flags: string; saved: unknown }[];
let upstream: Upstream;

beforeEach(() => {
  names = new Names();
  seen = [];
});

async function start(config: object = {}, routeConfig?: object) {
  upstream = await startUpstream({ body: 'ok' });
  const type = typeOf(names);
  const metadata = { filterMetadata: { test: { port: upstream.port } } };
  const filter = dynamicForwardProxy({ dnsCacheConfig: { name: 'c' }, ...config });
  const own = routeConfig && { typedPerFilterConfig: { [filter.definition.name]: perRoute(filter, routeConfig) } };
  return proxyFor({
    filters: [spy(seen)({}), filter],
    routes: [route('/plain', 'plain'), route('/', 'names', own as never)],
    clusters: [
      cluster('names', { clusterType: type({}), metadata }),
      cluster('plain', { endpoints: [upstream.address] }),
    ],
    extensions: [type] as readonly Extension[],
  });
}

function perRoute(filter: ReturnType<typeof dynamicForwardProxy>, config: object) {
  const { definition } = filter;
  return { name: definition.name, definition, disabled: false, config: definition.routeConfig && parsed(config) };
}

/** What the schema of the routes makes of it. */
function parsed(config: object): unknown {
  const result = dynamicForwardProxy.routeConfig?.['~standard'].validate(config);
  return result && 'value' in result ? result.value : undefined;
}

const get = (host: string, fields = '', path = '/') => `GET ${path} HTTP/1.1\r\nhost: ${host}\r\n${fields}\r\n`;

describe('dynamicForwardProxy', () => {
  it('lets a request go on whose host is known', async () => {
    const proxy = await start();
    expect(await ask(proxy, get('a.example'))).toMatchObject({ status: 200, body: 'ok' });
    expect(names.loads).toEqual(['a.example 80']);
    expect(upstream.requests[0]?.headers.host).toBe('a.example');
    expect(seen[0]?.saved).toBeUndefined();
  });

  it('lets a request for another cluster alone', async () => {
    const proxy = await start();
    expect((await ask(proxy, get('a.example', '', '/plain'))).status).toBe(200);
    expect(names.loads).toEqual([]);
  });

  it('holds a request until its host is found', async () => {
    names.answer = 'wait';
    const proxy = await start({ saveUpstreamAddress: true });
    const client = await clientOf(proxy);
    await client.send(`POST / HTTP/1.1\r\nhost: a.example\r\ncontent-length: 4\r\n\r\nbody`);
    await until(() => names.users.length === 1, 'a request to wait');
    expect(upstream.requests).toHaveLength(0);
    names.users[0]?.onNamed({ address: '192.0.2.1:80', details: '' });
    expect((await client.readResponse()).status).toBe(200);
    expect(upstream.requests[0]?.body).toBe('body');
    expect(seen[0]?.saved).toBe('192.0.2.1:80');
    expect(names.cancelled).toBe(0);
  });

  it.each([false, true])('answers 503 when the host is not found (after a wait: %s)', async (waits) => {
    const nowhere = { address: undefined, details: 'dns_resolution_failure{x}' };
    names.answer = waits ? 'wait' : nowhere;
    const proxy = await start();
    const response = ask(proxy, get('a.example'));
    if (waits) {
      await until(() => names.users.length === 1, 'a request to wait');
      names.users[0]?.onNamed(nowhere);
    }
    expect(await response).toMatchObject({ status: 503, body: 'DNS resolution failure' });
    expect(seen).toMatchObject([{ flags: 'DF', details: 'dns_resolution_failure{x}' }]);
  });

  it.each([
    ['host overflow', 'DNS cache overflow', 'dns_cache_overflow'],
    [
      'pending overflow',
      'Dynamic forward proxy pending request overflow',
      'dynamic_forward_proxy_pending_request_overflow',
    ],
  ] as const)('answers 503 on %s', async (refusal, body, details) => {
    names.answer = refusal;
    const proxy = await start();
    expect(await ask(proxy, get('a.example'))).toMatchObject({ status: 503, body });
    expect(seen).toMatchObject([{ flags: '-', details }]);
  });

  it('answers 400 to a request that is left without a host', async () => {
    const proxy = await start({}, { host_rewrite_header: 'x-to' });
    const response = await ask(proxy, get('a.example', 'x-to:\r\n'));
    expect(response).toMatchObject({ status: 400, body: 'Empty host header' });
    expect(seen).toMatchObject([{ details: 'empty_host_header' }]);
  });

  it('gives up the wait of a request that is gone', async () => {
    names.answer = 'wait';
    const proxy = await start();
    const client = await clientOf(proxy);
    await client.send(get('a.example'));
    await until(() => names.users.length === 1, 'a request to wait');
    await proxy.close();
    await until(() => names.cancelled === 1, 'the wait to be given up');
  });

  it.each([
    [{ host_rewrite_literal: 'b.example:81' }, '', 'b.example:81 80', 'b.example:81'],
    [{ host_rewrite_header: 'X-To' }, 'x-to: c.example\r\nx-to: d.example\r\n', 'c.example 80', 'c.example'],
    [{ host_rewrite_header: 'x-to' }, '', 'a.example 80', 'a.example'],
  ])('rewrites the host: %j', async (config, fields, load, host) => {
    const proxy = await start({}, config);
    await ask(proxy, get('a.example', fields));
    expect(names.loads).toEqual([load]);
    expect(upstream.requests[0]?.headers.host).toBe(host);
  });

  it.each([
    [true, 'x-state-host: b.example\r\nx-state-port: 81\r\n', 'b.example 81'],
    [true, 'x-state-port: 70000\r\n', 'a.example 80'],
    [false, 'x-state-host: b.example\r\nx-state-port: 81\r\n', 'a.example 80'],
  ])('takes the host from filter state if it may (%s)', async (allowDynamicHostFromFilterState, fields, load) => {
    const proxy = await start({ allowDynamicHostFromFilterState });
    await ask(proxy, get('a.example', fields));
    expect(names.loads).toEqual([load]);
  });
});
