import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { route, virtualHost } from '@mesh/core';
import { afterEach, describe, expect, it } from 'vitest';
import { Client2, clusterAt, get1, listenerOf, NamedUpstream, startProxy, versionHost } from './rig.ts';

const STATIC = { replaceStatic: true };
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function started() {
  const one = await NamedUpstream.start('one');
  const proxy = await startProxy([one]);
  cleanups.push(
    () => one.close(),
    () => proxy.close(),
  );
  return { one, proxy, port: proxy.address('l').port };
}

const table = (version: number) => ({ virtualHosts: [versionHost(version)] });

describe('proxy.routes', () => {
  it('shows the next request on the same connection the new table, while one under way keeps its own', async () => {
    const { one, proxy, port } = await started();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
    const two = new Client2(port);
    cleanups.push(
      () => agent.destroy(),
      () => two.close(),
    );
    let release = () => {};
    one.held = new Promise((resolve) => {
      release = resolve;
    });
    const early = [get1(port, agent), two.get()];
    while (one.requests < 2) await sleep(5);
    expect(await proxy.routes.set('table', table(1))).toBe('modified');
    release();
    one.held = undefined;
    const version = (answer: { headers: Readonly<Record<string, unknown>> }) => answer.headers['x-route-version'];
    expect((await Promise.all(early)).map(version)).toEqual(['0', '0']);
    expect([await get1(port, agent), await two.get()].map(version)).toEqual(['1', '1']);
    expect(two.connections).toBe(1);
  });

  it('refuses a table whole with every problem, and the one before stays', async () => {
    const { proxy, port } = await started();
    const json = {
      virtual_hosts: [
        { name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'c', timeout: 'x' } }, {}] },
      ],
    };
    await expect(proxy.routes.set('table', { json })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      issues: [
        { path: 'virtual_hosts[0].routes[0].route.timeout' },
        { path: 'virtual_hosts[0].routes[1]' },
        { path: 'virtual_hosts[0].routes[1].match' },
      ],
    });
    expect((await get1(port)).headers['x-route-version']).toBe('0');
    await expect(proxy.routes.set('nobody', table(1))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(proxy.routes.list()).toEqual([]);
  });

  it('checks clusters only when it is asked to, as with RDS', async () => {
    const { one, proxy, port } = await started();
    const later = { virtualHosts: [versionHost(1, 'later')] };
    await expect(proxy.routes.set('table', { ...later, validateClusters: true })).rejects.toThrow(
      "route: unknown cluster 'later'",
    );
    await proxy.routes.set('table', later);
    expect((await get1(port)).status).toBe(503);
    await proxy.clusters.set(clusterAt([one], 0, 'later'));
    expect((await get1(port)).body).toBe('one');
  });

  it('stays in force for listeners that come later, until it is taken back', async () => {
    const { proxy, port } = await started();
    await proxy.routes.set('table', table(1), { version: 'v1' });
    expect(await proxy.routes.set('table', table(1))).toBe('unchanged');
    await proxy.listeners.set(listenerOf(7, { maxKb: 64 }), STATIC);
    const answer = await get1(port);
    expect([answer.headers.server, answer.headers['x-route-version']]).toEqual(['listener-7', '1']);
    expect(proxy.routes.list()).toMatchObject([{ name: 'table', version: 'v1', addedViaApi: true }]);
    expect([await proxy.routes.remove('table'), await proxy.routes.remove('table')]).toEqual([true, false]);
    expect((await get1(port)).headers['x-route-version']).toBe('7');
  });

  it('is what explain tells of', async () => {
    const { proxy } = await started();
    const gone = route('/old', undefined, { name: 'gone', directResponse: { status: 410 } });
    await proxy.routes.set('table', { virtualHosts: [virtualHost('all', { domains: ['*'], routes: [gone] })] });
    expect(proxy.explain({ url: 'http://a/old' })).toMatchObject({
      route: { name: 'gone' },
      response: { status: 410 },
    });
    expect(proxy.explain({ url: 'http://a/' }).outcome).toBe('no_route');
  });
});
