/**
 * A filter of your own: who has no API key stays outside, and the service behind learns whose key it was. Start it
 * (`node --conditions=@mesh/source --import tsx examples/custom-filter.ts`), then try:
 *
 *   curl -i 127.0.0.1:8080/                               # 401
 *   curl -i -H 'x-api-key: k1' 127.0.0.1:8080/            # 200, hello ann
 *   curl -i -H 'x-api-key: k1' -d 12345 127.0.0.1:8080/   # and x-request-bytes: 5
 *
 * PORT chooses another port. docs/writing-a-filter.md walks through this file.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { cluster, createProxy, defineHttpFilter, http, listener, route } from '@mesh/core';
import { router } from '@mesh/filters-http';
import { z } from 'zod';

export const gate = defineHttpFilter({
  name: 'acme.filters.http.gate',
  // What YAML and code may say; both are checked, and the types below follow from it.
  config: z.object({ header: z.string().default('x-api-key'), keys: z.record(z.string(), z.string()) }),
  routeConfig: z.object({ open: z.boolean() }), // what a single route may say
  newState: () => ({ bytes: 0 }), // one per request, only because this filter asks for it
  // Called once per config load: think here, so that the hooks have little left to do.
  create({ header, keys }, context) {
    const owners = new Map(Object.entries(keys));
    const denied = context.stats.counter('gate.denied');
    return {
      onRequestHeaders(headers, stream) {
        headers.remove('x-key-owner'); // nobody but this filter says who it is
        if (context.routeConfig(stream)?.open === true) return;
        const owner = owners.get(headers.get(header) ?? '');
        if (owner === undefined) {
          denied.inc();
          return stream.reply(401, 'unknown key\n');
        }
        headers.remove(header); // the key ends here
        headers.set('x-key-owner', owner);
      },
      onRequestData: (chunk, _stream, state) => void (state.bytes += chunk.length),
      onResponseHeaders: (headers, _stream, state) => headers.set('x-request-bytes', String(state.bytes)),
    };
  },
});

async function main(): Promise<void> {
  const service = createServer((request, response) => response.end(`hello ${request.headers['x-key-owner']}\n`));
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const filters = [gate({ keys: { k1: 'ann', k2: 'bob' } }), router()];
  const manager = http({ routes: [route('/', 'service')], filters });
  const proxy = await createProxy({
    listeners: [listener({ port: Number(process.env.PORT ?? 8080), http: manager })],
    clusters: [cluster('service', { endpoints: [`127.0.0.1:${(service.address() as AddressInfo).port}`] })],
  });
  await proxy.start();
  console.log(`listening on port ${proxy.address().port}; Ctrl-C ends it`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
