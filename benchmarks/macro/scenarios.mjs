/** What is asked of every proxy. */

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} path what the upstream is asked for
 * @property {number} uploadBytes 0 means GET, anything else a POST of that many bytes
 * @property {number} responseBytes exact length of the body that must come back
 * @property {number} connections kept-alive client connections, one request at a time on each
 * @property {readonly string[] | undefined} targets only these, instead of the default set
 */

export const TINY_BODY = 'hello from upstream';
export const UPLOAD_BODY = 'received';
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
  },
  { ...get('six-filters', '/tiny', TINY_BODY.length), targets: ['mesh-code', 'mesh-code-six'] },
];

/** @param {string} name @param {string} path @param {number} responseBytes @returns {Scenario} */
function get(name, path, responseBytes) {
  return { name, path, uploadBytes: 0, responseBytes, connections: CONNECTIONS, targets: undefined };
}
