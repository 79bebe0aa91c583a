/**
 * The httpxy package with a kept-alive agent.
 *   node httpxy.mjs LISTEN_PORT UPSTREAM_PORT
 */
import http from 'node:http';
import { createProxyServer } from 'httpxy';
import { agentOptions, KEEP_ALIVE_MS, ports } from './node-http.mjs';

const { listenPort, upstreamPort } = ports();
const proxy = createProxyServer({
  target: { host: '127.0.0.1', port: upstreamPort },
  agent: new http.Agent(agentOptions),
  xfwd: true,
});
const server = http.createServer((request, response) => {
  proxy.web(request, response).catch(() => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502).end();
  });
});
server.keepAliveTimeout = KEEP_ALIVE_MS;
server.listen({ port: listenPort, host: '127.0.0.1', backlog: 4096 });
