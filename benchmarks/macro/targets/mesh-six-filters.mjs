/**
 * Mesh composed in code with N custom filters that look at headers only, to see what a chain of them costs.
 * The same script with N = 0 is what N = 6 is compared with.
 *   node mesh-six-filters.mjs LISTEN_PORT UPSTREAM_PORT FILTERS
 */
import { cluster, createProxy, defineHttpFilter, http, listener, route } from '../../../packages/core/dist/index.js';
import { router } from '../../../packages/filters-http/dist/index.js';

const [listenPort, upstreamPort, filterCount] = process.argv.slice(2, 5).map(Number);

/** The smallest Standard Schema: these filters have no options. */
const noOptions = { '~standard': { version: 1, vendor: 'benchmarks', validate: () => ({ value: {} }) } };

/** Six kinds of work that header filters really do; each has a request hook, a response hook or both. */
const hooks = [
  {
    onRequestHeaders(headers, stream) {
      if (headers.get('x-blocked') === 'yes') return stream.reply(403, 'blocked\n');
    },
  },
  {
    onRequestHeaders(headers) {
      headers.set('x-edge', 'mesh');
    },
  },
  {
    onRequestHeaders(headers) {
      headers.remove('x-internal-token');
    },
    onResponseHeaders(headers) {
      headers.remove('x-powered-by');
    },
  },
  {
    onResponseHeaders(headers) {
      headers.set('x-served-by', 'mesh');
    },
  },
  {
    onRequestHeaders(headers) {
      if (headers.has('authorization')) headers.set('x-authenticated', '1');
    },
    onResponseHeaders(headers) {
      if (headers.get('content-type') === undefined) headers.set('content-type', 'application/octet-stream');
    },
  },
  {
    onRequestHeaders(headers) {
      if (headers.path === '/teapot') headers.path = '/';
    },
    onResponseHeaders(headers) {
      if (headers.status === 418) headers.status = 200;
    },
  },
];

const filters = hooks
  .slice(0, filterCount)
  .map((each, index) =>
    defineHttpFilter({ name: `bench.filters.http.f${index}`, config: noOptions, create: () => each })({}),
  );

const proxy = await createProxy({
  listeners: [
    listener({
      host: '127.0.0.1',
      port: listenPort,
      http: http({ routes: [route('/', 'service1')], filters: [...filters, router()] }),
    }),
  ],
  clusters: [cluster('service1', { endpoints: [`127.0.0.1:${upstreamPort}`] })],
});
await proxy.start();
