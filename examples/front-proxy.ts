/**
 * A front proxy before two services, one of them three times. Start it, then try:
 *
 *   curl -v 127.0.0.1:8080/service/1      # walks the three instances of service 1
 *   curl -v 127.0.0.1:8080/service/2
 *   curl 127.0.0.1:8001/clusters
 *   curl '127.0.0.1:8001/stats?filter=upstream_rq_2'
 *
 * `--once` makes these requests itself, prints the answers and exits: 0 when all are right.
 * PORT and ADMIN_PORT choose other ports (0: any free one). Ctrl-C ends everything.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { cluster, createProxy, defineHttpFilter, http, listener, type MeshProxy, route } from '@mesh/core';
import { router } from '@mesh/filters-http';
import { z } from 'zod';

/** A filter of our own: every response says who served it. */
const servedBy = defineHttpFilter({
  name: 'example.filters.http.served_by',
  config: z.object({ name: z.string() }),
  create: ({ name }) => ({ onResponseHeaders: (headers) => headers.set('x-served-by', name) }),
});

/** A plain service on a free loopback port. */
async function startService(number: number, instance: number): Promise<Server> {
  const server = createServer((request, response) => {
    if (!request.url?.startsWith(`/service/${number}`)) {
      response.writeHead(404).end();
      return;
    }
    const address = (server.address() as AddressInfo).port;
    const text = `Hello from behind Mesh (service ${number})! hostname: ${hostname()}-${instance} resolvedhostname: 127.0.0.1:${address}\n`;
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': Buffer.byteLength(text) });
    response.end(text);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  return server;
}

const endpointOf = (server: Server) => `127.0.0.1:${(server.address() as AddressInfo).port}`;

async function startProxy(service1: Server[], service2: Server): Promise<MeshProxy> {
  const proxy = await createProxy({
    listeners: [
      listener({
        name: 'ingress',
        host: '127.0.0.1',
        port: Number(process.env.PORT ?? 8080),
        http: http({
          routes: [route('/service/1', 'service1'), route('/service/2', 'service2')],
          filters: [servedBy({ name: 'mesh-demo' }), router()],
        }),
      }),
    ],
    clusters: [
      cluster('service1', { endpoints: service1.map(endpointOf) }),
      cluster('service2', { endpoints: [endpointOf(service2)] }),
    ],
    admin: { port: Number(process.env.ADMIN_PORT ?? 8001) },
  });
  await proxy.start();
  return proxy;
}

/** Makes one request, prints it as curl would be called, and says whether the answer is right. */
async function show(url: string, expected: (status: number, body: string) => boolean): Promise<boolean> {
  const response = await fetch(url);
  const body = await response.text();
  const right = expected(response.status, body);
  console.log(`$ curl -i '${url}'\nHTTP/1.1 ${response.status}`);
  for (const [name, value] of response.headers) console.log(`${name}: ${value}`);
  console.log(`\n${body.split('\n').slice(0, 12).join('\n').trimEnd()}${right ? '' : '\n^^^ NOT WHAT WAS EXPECTED'}\n`);
  return right;
}

async function tryOut(base: string, admin: string): Promise<boolean> {
  const hosts = new Set<string>();
  const results: boolean[] = [];
  for (let i = 0; i < 3; i++) {
    results.push(
      await show(`${base}/service/1`, (status, body) => {
        hosts.add(/resolvedhostname: (\S+)/.exec(body)?.[1] ?? '');
        return status === 200 && body.includes('(service 1)');
      }),
    );
  }
  results.push(await show(`${base}/service/2`, (status, body) => status === 200 && body.includes('(service 2)')));
  results.push(await show(`${base}/nowhere`, (status, body) => status === 404 && body === ''));
  const counted = 'cluster.service1.upstream_rq_200: 3';
  results.push(await show(`${admin}/stats?filter=upstream_rq_200`, (_status, body) => body.includes(counted)));
  results.push(await show(`${admin}/ready`, (status, body) => status === 200 && body === 'LIVE\n'));
  console.log(`service 1 was answered by ${hosts.size} of 3 hosts: ${[...hosts].join(', ')}`);
  return results.every(Boolean) && hosts.size === 3;
}

function url(address: { readonly address: string; readonly port: number }): string {
  return `http://${address.address}:${address.port}`;
}

async function main(): Promise<void> {
  const service1 = await Promise.all([1, 2, 3].map((instance) => startService(1, instance)));
  const service2 = await startService(2, 1);
  const services = [...service1, service2];
  const closeServices = () => {
    for (const service of services) {
      service.close();
      service.closeAllConnections();
    }
  };
  const proxy = await startProxy(service1, service2).catch((error: unknown) => {
    closeServices();
    throw error;
  });
  const base = url(proxy.address('ingress'));
  const admin = proxy.adminAddress !== undefined && 'port' in proxy.adminAddress ? url(proxy.adminAddress) : '';
  if (process.argv.includes('--once')) {
    const right = await tryOut(base, admin);
    await proxy.close();
    closeServices();
    console.log(right ? 'All answers are right.' : 'Some answers are wrong.');
    process.exitCode = right ? 0 : 1;
    return;
  }
  console.log(`front proxy on ${base}, admin on ${admin}; try\n`);
  await tryOut(base, admin);
  console.log('Ctrl-C ends the proxy and the services.');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void proxy.drain().then(async () => {
        await proxy.close();
        closeServices();
        console.log('\nEverything is closed.');
      });
    });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
