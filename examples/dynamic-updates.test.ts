import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cluster, createProxy, http, listener, type MeshProxy, route } from '@mesh/core';
import { router } from '@mesh/filters-http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { release } from './dynamic-updates.ts';

const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');

let servers: Server[];
let proxy: MeshProxy;

async function serve(name: string): Promise<string> {
  const server = createServer((_request, response) => response.end(name));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeEach(async () => {
  servers = [];
  proxy = await createProxy({
    clusters: [cluster('stable', { endpoints: [await serve('stable')] })],
    listeners: [listener({ host: '127.0.0.1', http: http({ routes: [route('/', 'stable')], filters: [router()] }) })],
  });
  await proxy.start();
});

afterEach(async () => {
  await proxy.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

const ask = async () => (await fetch(`http://127.0.0.1:${proxy.address().port}/`)).text();

describe('examples/dynamic-updates', () => {
  it('moves a service step by step', async () => {
    const seen: number[] = [];
    const healthy = async (share: number) => seen.push(share) > 0;
    expect(await release(proxy, [await serve('next')], healthy)).toBe(true);
    expect([seen, await ask()]).toEqual([[1, 10, 50, 100], 'next']);
  });

  it('goes back when a step is not healthy', async () => {
    expect(await release(proxy, [await serve('next')], async (share) => share < 50)).toBe(false);
    expect(await ask()).toBe('stable');
    expect(proxy.clusters.list().map(({ name }) => name)).toEqual(['stable']);
  });

  it('is what docs/dynamic-updates.md shows', () => {
    const [, shown = ''] = /```ts\n(\/\*\* Sends everything.*?)```/s.exec(read('../docs/dynamic-updates.md')) ?? [];
    expect(shown.length).toBeGreaterThan(100);
    expect(read('dynamic-updates.ts')).toContain(shown);
  });
});
