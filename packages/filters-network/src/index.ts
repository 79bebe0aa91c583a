/** Network (L4) filters and listener filters for Mesh. */
export { connectionLimit } from './connection-limit/index.ts';
export { directResponse } from './direct-response/index.ts';
export { echo } from './echo/index.ts';
export { httpInspector } from './http-inspector/index.ts';
export { localRateLimit } from './local-ratelimit/index.ts';
export { originalDst } from './original-dst/index.ts';
export { proxyProtocol } from './proxy-protocol/index.ts';
export { rbac } from './rbac/index.ts';
export { sniCluster } from './sni-cluster/index.ts';
export { sniDynamicForwardProxy } from './sni-dynamic-forward-proxy/index.ts';
export { tcpProxy } from './tcp-proxy/index.ts';
export { tlsInspector } from './tls-inspector/index.ts';
