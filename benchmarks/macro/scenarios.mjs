/** What is asked of every proxy. */

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} path what the upstream is asked for
 * @property {number} uploadBytes 0 means GET, anything else a POST of that many bytes
 * @property {number} responseBytes exact length of the body that must come back
 * @property {number} connections kept-alive client connections, one request at a time on each
 * @property {readonly string[] | undefined} targets only these, instead of the default set
 * @property {Shape} shape the protocols on both sides of the proxy
 *
 * @typedef {'h1' | 'h2-h1' | 'h2-h2' | 'tls' | 'tls-h2' | 'grpc' | 'tcp'} Shape
 *   `h1`: HTTP/1.1 on both sides. `h2-h1`, `h2-h2`: HTTP/2 without TLS from the client. `tls`, `tls-h2`: the client's side over
 *   TLS, HTTP/1.1 to the upstream. `grpc`: unary calls with trailers, HTTP/2 on both sides. `tcp`: bytes, not looked at.
 */

export const TINY_BODY = 'hello from upstream';
export const UPLOAD_BODY = 'received';
/** A length-prefixed gRPC message of 32 bytes. */
export const GRPC_MESSAGE = Buffer.concat([Buffer.from([0, 0, 0, 0, 32]), Buffer.alloc(32, 'm')]);
export const KIB16 = 16 * 1024;
export const MIB = 1024 * 1024;
const CONNECTIONS = 64;

/** @type {readonly Scenario[]} */
export const scenarios = [
  get('tiny', '/tiny', TINY_BODY.length),
  get('16k', '/16k', KIB16),
  get('download-1m', '/1m', MIB),
  {
    name: 'upload-1m',
    path: '/upload',
    uploadBytes: MIB,
    responseBytes: UPLOAD_BODY.length,
    connections: CONNECTIONS,
    targets: undefined,
    shape: 'h1',
  },
  { ...get('six-filters', '/tiny', TINY_BODY.length), targets: ['mesh-code', 'mesh-code-six'] },
  {
    ...get('observed', '/tiny', TINY_BODY.length),
    targets: ['mesh', 'mesh-observed', 'mesh-traced', 'envoy', 'envoy-observed', 'envoy-traced'],
  },
  { ...get('h2-h1', '/tiny', TINY_BODY.length), ...over('h2-h1', ['nginx', 'haproxy', 'nghttpx', 'node-http2']) },
  { ...get('h2-h2', '/tiny', TINY_BODY.length), ...over('h2-h2', ['haproxy', 'nghttpx', 'node-http2']) },
  { ...get('tls', '/tiny', TINY_BODY.length), ...over('tls', ['nginx', 'haproxy', 'nghttpx', 'node-http2']) },
  { ...get('tls-h2', '/tiny', TINY_BODY.length), ...over('tls-h2', ['nginx', 'haproxy', 'nghttpx', 'node-http2']) },
  {
    ...get('grpc-unary', '/bench.Echo/Unary', GRPC_MESSAGE.length),
    uploadBytes: GRPC_MESSAGE.length,
    ...over('grpc', ['nginx', 'haproxy', 'nghttpx', 'node-http2']),
  },
  { ...get('tcp-tiny', '/tiny', TINY_BODY.length), ...over('tcp', ['nginx', 'haproxy']) },
  { ...get('tcp-1m', '/1m', MIB), ...over('tcp', ['nginx', 'haproxy']) },
];

/** @param {Shape} shape @param {readonly string[]} peers */
function over(shape, peers) {
  return { shape, targets: ['mesh', 'mesh-before', 'envoy', ...peers] };
}

/** @param {string} name @param {string} path @param {number} responseBytes @returns {Scenario} */
function get(name, path, responseBytes) {
  return { name, path, uploadBytes: 0, responseBytes, connections: CONNECTIONS, targets: undefined, shape: 'h1' };
}
