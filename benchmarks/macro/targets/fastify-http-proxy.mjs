/**
 * @fastify/http-proxy on an undici pool.
 *   node fastify-http-proxy.mjs LISTEN_PORT UPSTREAM_PORT
 */
import httpProxy from '@fastify/http-proxy';
import fastify from 'fastify';
import { KEEP_ALIVE_MS, ports, UPSTREAM_SOCKETS } from './node-http.mjs';

const { listenPort, upstreamPort } = ports();
const server = fastify({ logger: false, keepAliveTimeout: KEEP_ALIVE_MS, bodyLimit: 1024 ** 3 });
server.register(httpProxy, {
  upstream: `http://127.0.0.1:${upstreamPort}`,
  undici: {
    connections: UPSTREAM_SOCKETS,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
  },
});
await server.listen({ port: listenPort, host: '127.0.0.1', backlog: 4096 });
