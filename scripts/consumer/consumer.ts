/**
 * What a stranger's first program does with the published packages: compose a proxy in code with a filter of its own,
 * send a request through it, and shut it down. Every package is imported, so that its types are checked too.
 */
import { strict as assert } from 'node:assert';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as cli from '@mesh/cli';
import { cluster, createProxy, defineHttpFilter, http, listener, route, type StandardSchema } from '@mesh/core';
import * as discovery from '@mesh/discovery';
import { router } from '@mesh/filters-http';
import * as networkFilters from '@mesh/filters-network';
import { standard } from '@mesh/standard';
import * as testing from '@mesh/testing';

interface StampConfig {
  readonly value: string;
}

const stampConfig: StandardSchema<StampConfig> = {
  '~standard': {
    version: 1,
    vendor: 'consumer',
    validate: (input) => ({ value: { value: String((input as { value?: unknown }).value ?? 'none') } }),
  },
};

const stamp = defineHttpFilter({
  name: 'consumer.stamp',
  config: stampConfig,
  create: ({ value }) => ({
    onResponseHeaders(headers) {
      headers.set('x-stamp', value);
    },
  }),
});

for (const [name, exported] of Object.entries({ cli, discovery, networkFilters, testing })) {
  assert.ok(Object.keys(exported).length > 0, `${name} exports nothing`);
}

const upstream = createServer((request, response) => response.end(`you asked for ${request.url}`));
await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
const { port } = upstream.address() as AddressInfo;

const proxy = await createProxy({
  extensions: [...standard, stamp],
  listeners: [
    listener({
      host: '127.0.0.1',
      http: http({ routes: [route('/', 'upstream')], filters: [stamp({ value: 'seen' }), router()] }),
    }),
  ],
  clusters: [cluster('upstream', { endpoints: [`127.0.0.1:${port}`] })],
});
await proxy.start();
const response = await fetch(`http://127.0.0.1:${proxy.address().port}/hello`, { headers: { connection: 'close' } });
assert.equal(response.status, 200);
assert.equal(response.headers.get('x-stamp'), 'seen');
assert.equal(await response.text(), 'you asked for /hello');
await proxy.close();
upstream.close();
