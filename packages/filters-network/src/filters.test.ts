/** The small filters in front of tcp_proxy: each is about who may connect, and where to. */
import {
  type ConfiguredNetworkFilter,
  type ConnectionInfo,
  cluster,
  defineNetworkFilter,
  type NetworkConnection,
} from '@mesh/core';
import { type RawClient, rawClient, startProxy, testNetworkFilter, turn, VirtualClock } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { connectionLimit, localRateLimit, rbac, sniCluster } from './index.ts';
import { type RawServer, rawServer, tcpProxyTo } from './tcp-proxy/fixture.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function server(): Promise<RawServer> {
  const made = await rawServer();
  cleanups.push(() => made.close());
  return made;
}

async function live(networkFilters: readonly ConfiguredNetworkFilter[], more: object = {}) {
  const upstream = await server();
  const proxy = await tcpProxyTo(upstream, {}, { networkFilters, ...more });
  cleanups.push(() => proxy.close());
  const connect = async (): Promise<RawClient> => {
    const client = await rawClient(proxy.port);
    cleanups.push(() => client.socket.destroy());
    return client;
  };
  return { upstream, proxy, connect };
}

const ended = (client: RawClient) => client.readToEnd().catch(() => {});

/** A filter that shows the connection, and changes it. */
const spy = (look: (connection: NetworkConnection) => void) =>
  defineNetworkFilter({ name: 'spy', config: z.object({}), create: () => ({ onConnection: look }) })();

describe('connection_limit', () => {
  it('closes one too many, and lets another in when one has gone', async () => {
    const { connect, proxy, upstream } = await live([connectionLimit({ statPrefix: 'p', maxConnections: 1 })]);
    const first = await connect();
    await upstream.connection(0);
    await ended(await connect());
    expect(proxy.stats('connection_limit.p.limited_connections')).toBe(1);
    first.end();
    (await upstream.connection(0)).end();
    await proxy.untilStat('connection_limit.p.active_connections', 0);
    await connect();
    await upstream.connection(1);
    expect(proxy.stats('connection_limit.p.active_connections')).toBe(1);
  });

  it('waits before it closes when told to', async () => {
    const t = testNetworkFilter(connectionLimit({ statPrefix: 'p', maxConnections: 1, delay: '2s' }));
    const first = await t.connect();
    const second = await t.connect();
    expect([first.admitted, second.admitted]).toEqual([true, false]);
    await second.send('into the void');
    await t.clock.advanceAsync(1_900);
    expect([second.state, second.passed]).toEqual(['open', '']);
    await t.clock.advanceAsync(200);
    expect([first.state, second.state]).toEqual(['open', 'closed']);
  });
});

describe('local_ratelimit', () => {
  const tokenBucket = { maxTokens: 1, fillInterval: '10s' };

  it('takes a token for each connection', async () => {
    const clock = new VirtualClock();
    const { connect, proxy, upstream } = await live([localRateLimit({ statPrefix: 'p', tokenBucket })], { clock });
    await connect();
    await upstream.connection(0);
    await ended(await connect());
    expect(proxy.stats('local_rate_limit.p.rate_limited')).toBe(1);
    clock.advance(10_000);
    await connect();
    await upstream.connection(1);
  });

  it.each([
    ['the same key shares a bucket', 'k', 1],
    ['no key shares none', '', 0],
  ])('%s', async (_title, shareKey, limited) => {
    const filter = () => localRateLimit({ statPrefix: 'p', tokenBucket, shareKey });
    const { connect, proxy, upstream } = await live([filter(), filter()]);
    const client = await connect();
    await (limited === 1 ? ended(client) : upstream.connection(0));
    expect(proxy.stats('local_rate_limit.p.rate_limited')).toBe(limited);
  });

  it('refuses a fill interval under 50 ms', () => {
    expect(() => localRateLimit({ statPrefix: 'p', tokenBucket: { maxTokens: 1, fillInterval: '0.04s' } })).toThrow(
      'local rate limit token bucket fill timer must be >= 50ms',
    );
  });
});

describe('sni_cluster', () => {
  it.each([
    ['the server name is the cluster', 'other.test', 1],
    ["without one tcp_proxy's own cluster stands", '', 0],
  ])('%s', async (_title, serverName, wanted) => {
    const named = await server();
    const set = spy((connection) => void Object.defineProperty(connection, 'serverName', { value: serverName }));
    const other = cluster('other.test', { endpoints: [`127.0.0.1:${named.port}`] });
    const { connect, upstream } = await live([set, sniCluster()], { clusters: [other] });
    await connect();
    await (wanted === 1 ? named : upstream).connection(0);
    expect([upstream.connections.length, named.connections.length]).toEqual(wanted === 1 ? [0, 1] : [1, 0]);
  });
});

describe('rbac', () => {
  const any = { any: true };
  const all = { permissions: [any], principals: [any] };
  const nobody = { permissions: [{ notRule: any }], principals: [any] };
  type Config = Parameters<typeof rbac>[0];

  async function guarded(config: Omit<Config, 'statPrefix'>, more: object = {}) {
    let info: ConnectionInfo | undefined;
    const filters = [spy((connection) => void (info = connection.info)), rbac({ statPrefix: 'p', ...config })];
    const made = await live(filters, more);
    const client = await made.connect();
    const host = await made.upstream.connection(0);
    return { ...made, client, host, info: () => info as ConnectionInfo };
  }

  it('lets a client pass that a policy allows', async () => {
    const { client, host, proxy } = await guarded({ rules: { action: 'ALLOW', policies: { all } } });
    await client.send('a');
    await host.read(1);
    await client.send('b');
    await host.read(1);
    expect(proxy.stats('p.rbac.allowed')).toBe(1);
  });

  it('closes a client at its first byte when none does', async () => {
    const { client, proxy, info } = await guarded({ rules: { action: 'ALLOW', policies: { nobody } } });
    await client.send('a');
    await ended(client);
    expect(proxy.stats('p.rbac.denied')).toBe(1);
    expect(info().terminationDetails).toBe('rbac_access_denied_matched_policy[none]');
  });

  it('names the policy that denies', async () => {
    const { client, host, info } = await guarded({
      rules: { action: 'DENY', policies: { nobody, 'all of them': all } },
    });
    client.end();
    await ended(client);
    expect(info().terminationDetails).toBe('rbac_access_denied_matched_policy[all_of_them]');
    expect(host.bytesRead).toBe(0);
  });

  it('is asked for every read when enforcement is continuous', async () => {
    const config = { enforcementType: 'CONTINUOUS' as const, rules: { action: 'LOG' as const, policies: { all } } };
    const { client, host, proxy, info } = await guarded(config);
    await client.send('a');
    await host.read(1);
    await client.send('b');
    await host.read(1);
    expect(proxy.stats('p.rbac.allowed')).toBe(2);
    expect(info().metadata.get('envoy.common')).toEqual({ access_log_hint: true });
  });

  it('shadow rules count and change nothing', async () => {
    const { client, host, proxy, info } = await guarded({
      shadowRules: { action: 'DENY', policies: { all } },
      shadowRulesStatPrefix: 's',
    });
    await client.send('a');
    await host.read(1);
    expect(proxy.stats('p.rbac.s.shadow_denied')).toBe(1);
    const expected = { sshadow_engine_result: 'denied', sshadow_effective_policy_id: 'all' };
    expect(info().metadata.get('envoy.filters.network.rbac')).toEqual(expected);
  });

  it('delay_deny puts the end off', async () => {
    const clock = new VirtualClock();
    const { client, host, proxy } = await guarded({ rules: { policies: { nobody } }, delayDeny: '1s' }, { clock });
    await client.send('a');
    await proxy.untilStat('p.rbac.denied', 1);
    await client.send('b');
    for (let i = 0; i < 20; i++) await turn();
    expect(client.peerEnded).toBe(false);
    clock.advance(1_010);
    await ended(client);
    expect(host.bytesRead).toBe(0);
  });

  it('refuses conditions on requests', () => {
    const rules = {
      policies: { p: { permissions: [{ notRule: { header: { name: 'x', presentMatch: true } } }], principals: [any] } },
    };
    expect(() => rbac({ statPrefix: 'p', rules } as Config)).toThrow('not supported by RBAC network filter');
  });
});

describe('a chain', () => {
  const terminal = (hooks: object) =>
    defineNetworkFilter({ name: 'end', config: z.object({}), terminal: true, create: () => hooks })();

  async function chain(...networkFilters: ConfiguredNetworkFilter[]) {
    const proxy = await startProxy({ networkFilters });
    cleanups.push(() => proxy.close());
    const client = await rawClient(proxy.port);
    cleanups.push(() => client.socket.destroy());
    return client;
  }

  it('without half-close ends with its client, after what was written', async () => {
    const last = 'x'.repeat(200_000);
    const onData = (_chunk: Uint8Array, connection: NetworkConnection, _state: undefined, end: boolean) =>
      void (end && connection.write(last));
    const client = await chain(terminal({ onData }));
    client.end();
    expect((await client.readToEnd()).toString()).toBe(last);
    expect((await client.closed).error).toBeUndefined();
  });

  it('hears nothing more once a filter has closed the connection', async () => {
    const seen: string[] = [];
    const onData = (chunk: Uint8Array, connection: NetworkConnection) => {
      seen.push(Buffer.from(chunk).toString());
      connection.close('flush');
    };
    const client = await chain(terminal({ halfClose: true, onData }));
    await client.send('a');
    await client.readToEnd();
    await client.send('b').catch(() => {});
    client.end();
    await client.closed;
    expect(seen).toEqual(['a']);
  });

  it('a filter that throws ends the connection', async () => {
    const onData = () => {
      throw new Error('on purpose');
    };
    const client = await chain(terminal({ onData }));
    await client.send('a');
    await ended(client);
  });
});
