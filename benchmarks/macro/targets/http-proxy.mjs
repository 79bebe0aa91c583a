/**
 * The http-proxy package with a kept-alive agent.
 *   node http-proxy.mjs LISTEN_PORT UPSTREAM_PORT
 */
import http from 'node:http';
import httpProxy from 'http-proxy';
import { agentOptions, KEEP_ALIVE_MS, ports } from './node-http.mjs';

const { listenPort, upstreamPort } = ports();
const proxy = httpProxy.createProxyServer({
  target: { host: '127.0.0.1', port: upstreamPort },
  agent: new http.Agent(agentOptions),
  xfwd: true,
});
proxy.on(
  'error',
  (
    /** @type {Error} */ _error,
    /** @type {unknown} */ _request,
    /** @type {http.ServerResponse | import('node:net').Socket} */ response,
  ) => {
    if (response instanceof http.ServerResponse && !response.headersSent) response.writeHead(502).end();
    else response.destroy();
  },
);
const server = http.createServer((request, response) => proxy.web(request, response));
server.keepAliveTimeout = KEEP_ALIVE_MS;
server.listen({ port: listenPort, host: '127.0.0.1', backlog: 4096 });
