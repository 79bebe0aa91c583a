/** A filter as users write it: it asks a service, through a cluster, who may pass. */
import {
  cluster,
  defineHttpFilter,
  type HttpStream,
  type RequestHeaders,
  route,
  type SideCall,
  type SideCallFailure,
  STOP,
} from '@mesh/core';
import { answer, rawClient, startProxy, startUpstream } from '@mesh/testing';
import { afterEach, expect, it } from 'vitest';
import { z } from 'zod';
import { router } from './router/index.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

class State {
  call: SideCall | undefined = undefined;
}

const askFirst = defineHttpFilter({
  name: 'acme.filters.http.ask_first',
  config: z.object({ cluster: z.string() }),
  newState: () => new State(),
  create: ({ cluster }, { sideCalls }) => ({
    onRequestHeaders(headers: RequestHeaders, stream: HttpStream, state: State) {
      const fields = [['authorization', headers.get('authorization') ?? '']] as const;
      state.call = sideCalls.request(
        cluster,
        { method: 'GET', path: `/check${headers.path}`, headers: fields, timeoutMs: 2000 },
        {
          onResponse: (verdict) => {
            if (verdict.status !== 200) return void stream.reply(403, 'no\n');
            headers.set('x-user', verdict.header('x-user') ?? '');
            stream.resumeRequest();
          },
          onFailure: (failure: SideCallFailure) => void stream.reply(503, failure),
        },
      );
      return STOP;
    },
    onComplete: (_stream: HttpStream, state: State) => state.call?.cancel(),
  }),
});

async function upstream(...what: Parameters<typeof startUpstream>) {
  const made = await startUpstream(...what);
  cleanups.push(() => made.close());
  return made;
}

async function proxyAsking(authCluster: string, authPort: number, servicePort: number) {
  const proxy = await startProxy({
    routes: [route('/', 'service')],
    clusters: [
      cluster('service', { endpoints: [`127.0.0.1:${servicePort}`] }),
      cluster('auth', { endpoints: [`127.0.0.1:${authPort}`] }),
    ],
    filters: [askFirst({ cluster: authCluster }), router()],
  });
  cleanups.push(() => proxy.close());
  const client = await rawClient(proxy.port);
  cleanups.push(() => client.socket.destroy());
  return { proxy, client };
}

const request = (token: string) => `GET /p HTTP/1.1\r\nhost: a\r\nauthorization: ${token}\r\n\r\n`;

it('HttpFilterContext.sideCalls lets a filter ask a service of a cluster', async () => {
  const service = await upstream();
  const auth = await upstream(async (asked, peer) => {
    const good = asked.headers.authorization === 'good';
    await answer({ status: good ? 200 : 401, headers: { 'x-user': 'ann' } })(asked, peer);
  });
  const { client, proxy } = await proxyAsking('auth', auth.port, service.port);
  await client.send(request('good'));
  expect(await client.readResponse()).toMatchObject({ status: 200 });
  await client.send(request('bad'));
  expect((await client.readResponse()).status).toBe(403);
  expect(service.requests.map(({ headers }) => headers['x-user'])).toEqual(['ann']);
  expect(auth.requests.map(({ path }) => path)).toEqual(['/check/p', '/check/p']);
  expect(proxy.stats('cluster.auth.upstream_rq_401')).toBe(1);
});

it('HttpFilterContext.sideCalls tells of a service that is not there', async () => {
  const service = await upstream();
  const { client } = await proxyAsking('nobody', service.port, service.port);
  await client.send(request('good'));
  const { status, body } = await client.readResponse();
  expect([status, body, service.requests.length]).toEqual([503, 'no cluster', 0]);
});
