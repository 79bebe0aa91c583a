/** Every proxy that can be measured: how it is found, started and named in reports. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { firstLine, which } from './processes.mjs';
import { render } from './render.mjs';

/**
 * @typedef {object} Place where one start of a target lives
 * @property {number} listenPort
 * @property {number} adminPort
 * @property {number} upstreamPort
 * @property {string} workDir private folder for configuration and temporary files
 * @property {import('./scenarios.mjs').Shape} [shape] the protocols on both sides; HTTP/1.1 when absent
 * @property {{ cert: string, key: string, both: string }} [certificate] for shapes with TLS
 * @property {boolean} [longLived] the memory test: no route timeout, many connections, no spilling to disk
 *
 * @typedef {object} Target
 * @property {string} name
 * @property {boolean} optional measured only when asked for by name or by its scenario
 * @property {() => string | undefined} missing why it cannot run here, if it cannot
 * @property {() => string} version
 * @property {(place: Place) => import('./processes.mjs').Command} command
 * @property {Readonly<Record<string, string>>} unsupported scenario → reason
 */

const here = fileURLToPath(new URL('.', import.meta.url));
const packages = fileURLToPath(new URL('../../packages/', import.meta.url));
const require = createRequire(import.meta.url);
const production = { NODE_ENV: 'production' };

/** Packaged Node proxies: the group from which the best is picked for comparison. */
export const PACKAGED_PEERS = ['http-proxy', 'httpxy', 'fastify-http-proxy'];

/** @type {readonly Target[]} */
export const targets = [
  {
    ...meshBase('mesh', ['cli', 'core', 'standard']),
    command: (place) => ({
      file: process.execPath,
      args: [join(packages, 'cli/bin/mesh.js'), '-c', envoyConfig(place)],
      env: production,
    }),
  },
  {
    name: 'mesh-before',
    optional: true,
    missing: () => {
      const checkout = process.env.MESH_BEFORE;
      if (checkout === undefined) return 'set MESH_BEFORE to a built checkout of the version to compare with';
      return existsSync(join(checkout, 'packages/cli/dist/index.js')) ? undefined : `${checkout} is not built`;
    },
    version: () => `the checkout named by MESH_BEFORE, node ${process.version}`,
    unsupported: {},
    command: (place) => ({
      file: process.execPath,
      args: [join(process.env.MESH_BEFORE ?? '', 'packages/cli/bin/mesh.js'), '-c', envoyConfig(place)],
      env: production,
    }),
  },
  meshObserved('mesh-observed', 1),
  meshObserved('mesh-traced', 100),
  meshCode('mesh-code', 0),
  meshCode('mesh-code-six', 6),
  nginx('nginx', ''),
  // The default buffers whole bodies (spilling to files); this one streams, as the other proxies do.
  { ...nginx('nginx-unbuffered', 'proxy_buffering off; proxy_request_buffering off;'), optional: true },
  {
    ...native('haproxy', 'HAPROXY_BIN', ['-v']),
    command: (place) => ({
      file: binary('haproxy', 'HAPROXY_BIN'),
      args: ['-db', '-f', haproxyConfig(place)],
    }),
  },
  {
    ...native('envoy', 'ENVOY_BIN', ['--version']),
    command: (place) => ({
      file: binary('envoy', 'ENVOY_BIN'),
      args: ['-c', envoyConfig(place), '--concurrency', '1', '--disable-hot-restart', '-l', 'error'],
    }),
  },
  envoyObserved('envoy-observed', 1),
  envoyObserved('envoy-traced', 100),
  {
    ...nodeTarget('floor', () => `node ${process.version}`),
    unsupported: {
      'upload-1m': 'the floor forwards heads and response bodies only',
      'slow-readers': 'the floor has no backpressure on purpose',
    },
  },
  {
    ...native('nghttpx', 'NGHTTPX_BIN', ['--version']),
    optional: true,
    command: (place) => ({ file: binary('nghttpx', 'NGHTTPX_BIN'), args: ['--conf', nghttpxConfig(place)] }),
  },
  {
    ...nodeTarget('node-http2', () => `node ${process.version}, undici ${packageVersion('undici')}`),
    optional: true,
    command: ({ listenPort, upstreamPort, shape = 'h2-h1', certificate }) => ({
      file: process.execPath,
      args: [
        join(here, 'targets/node-http2.mjs'),
        ...[String(listenPort), String(upstreamPort), shape, certificate?.cert ?? '', certificate?.key ?? ''],
      ],
      env: production,
    }),
  },
  nodeTarget('undici', () => packageVersion('undici')),
  nodeTarget('http-proxy', () => packageVersion('http-proxy')),
  nodeTarget('httpxy', () => packageVersion('httpxy')),
  nodeTarget('fastify-http-proxy', () => packageVersion('@fastify/http-proxy')),
];

/** @param {string} name @returns {Target} */
export function findTarget(name) {
  const found = targets.find((target) => target.name === name);
  if (!found) throw new Error(`no target "${name}"; known: ${targets.map((target) => target.name).join(', ')}`);
  return found;
}

/** Configuration values that depend on who runs nginx. */
export function nginxUserLine() {
  // As root, nginx would drop to a user that cannot read a private temporary folder.
  return process.getuid?.() === 0 ? 'user root;' : '';
}

/** @param {string} name @param {string[]} needs packages that must be built @returns {Omit<Target, 'command'>} */
function meshBase(name, needs) {
  return {
    name,
    optional: false,
    missing: () => {
      const unbuilt = needs.filter((folder) => !existsSync(join(packages, folder, 'dist/index.js')));
      return unbuilt.length > 0 ? `not built: ${unbuilt.map((each) => `packages/${each}/dist`).join(', ')}` : undefined;
    },
    version: () =>
      `${JSON.parse(readFileSync(join(packages, 'core/package.json'), 'utf8')).version}, node ${process.version}`,
    unsupported: {},
  };
}

/** JSON access log in a file, and this percentage of traces. @param {string} name @param {number} sampledPercent @returns {Target} */
function meshObserved(name, sampledPercent) {
  return {
    ...meshBase(name, ['cli', 'core', 'standard']),
    optional: true,
    command: (place) => ({
      file: process.execPath,
      args: [join(packages, 'cli/bin/mesh.js'), '-c', observedConfig(place, sampledPercent)],
      env: production,
    }),
  };
}

/** @see meshObserved @param {string} name @param {number} sampledPercent @returns {Target} */
function envoyObserved(name, sampledPercent) {
  return {
    ...native('envoy', 'ENVOY_BIN', ['--version']),
    name,
    optional: true,
    command: (place) => ({
      file: binary('envoy', 'ENVOY_BIN'),
      args: [
        ...['-c', observedConfig(place, sampledPercent)],
        ...['--concurrency', '1', '--disable-hot-restart', '-l', 'error'],
      ],
    }),
  };
}

/** @param {Place} place @param {number} sampledPercent */
function observedConfig(place, sampledPercent) {
  const own = { sampled_percent: sampledPercent, log_path: join(place.workDir, 'access.log') };
  return render('observed.tmpl', { ...ports(place), ...own }, place.workDir);
}

/** @param {string} name @param {number} filters @returns {Target} */
function meshCode(name, filters) {
  return {
    ...meshBase(name, ['core', 'filters-http']),
    optional: true,
    command: ({ listenPort, upstreamPort }) => ({
      file: process.execPath,
      args: [join(here, 'targets/mesh-six-filters.mjs'), String(listenPort), String(upstreamPort), String(filters)],
      env: production,
    }),
  };
}

/** @param {string} name @param {string} extra directives for the location @returns {Target} */
function nginx(name, extra) {
  return {
    ...native('nginx', 'NGINX_BIN', ['-v']),
    name,
    command: (place) => {
      if (place.shape === 'tcp') {
        const own = { ...ports(place), user_line: nginxUserLine(), load_module: streamModule() };
        const file = render('nginx-stream.conf', own, place.workDir);
        return { file: binary('nginx', 'NGINX_BIN'), args: ['-p', place.workDir, '-c', file] };
      }
      const values = {
        ...nginxProtocols(place),
        ...ports(place),
        user_line: nginxUserLine(),
        // Without this, 100 paused downloads would each be written to a temporary file.
        extra: place.longLived ? `${extra} proxy_max_temp_file_size 0;` : extra,
        worker_connections: place.longLived ? 30_000 : 4096,
        max_files: place.longLived ? 32_768 : 8192,
      };
      const config = render('nginx-proxy.conf', values, place.workDir);
      return { file: binary('nginx', 'NGINX_BIN'), args: ['-p', place.workDir, '-c', config] };
    },
  };
}

/** @param {string} name @param {string} variable @param {string[]} versionArgs @returns {Omit<Target, 'command'>} */
function native(name, variable, versionArgs) {
  return {
    name,
    optional: false,
    missing: () => (which(binary(name, variable)) ? undefined : `no ${name} on PATH and no ${variable}`),
    // Some print the path of their binary before the version.
    version: () => firstLine(binary(name, variable), versionArgs).replace(/^.*version:\s*/, ''),
    unsupported: {},
  };
}

/** @param {string} name also the file in targets/ @param {() => string} version @returns {Target} */
function nodeTarget(name, version) {
  return {
    name,
    optional: false,
    missing: () => undefined,
    version,
    command: ({ listenPort, upstreamPort }) => ({
      file: process.execPath,
      args: [join(here, `targets/${name}.mjs`), String(listenPort), String(upstreamPort)],
      env: production,
    }),
    unsupported: {},
  };
}

/** @param {Place} place */
function envoyConfig(place) {
  const { shape = 'h1', workDir } = place;
  if (shape === 'tcp') return render('tcp-proxy.yaml', ports(place), workDir);
  if (shape !== 'h1') return render('protocols.tmpl', { ...ports(place), ...envoyProtocols(place) }, workDir);
  return render('front-proxy.yaml', { ...ports(place), route_timeout: place.longLived ? '0s' : '15s' }, place.workDir);
}

/** @param {Place} place */
function envoyProtocols({ shape, certificate }) {
  const http2 = shape === 'h2-h2' || shape === 'grpc';
  const options = {
    '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    explicit_http_config: { http2_protocol_options: {} },
  };
  const key = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  const tls = {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
      common_tls_context: {
        alpn_protocols: ['h2', 'http/1.1'],
        tls_certificates: [
          { certificate_chain: { filename: certificate?.cert }, private_key: { filename: certificate?.key } },
        ],
      },
    },
  };
  return {
    cluster_protocol: http2 ? `typed_extension_protocol_options: ${JSON.stringify({ [key]: options })}` : '',
    transport_socket: certificate === undefined ? '' : `transport_socket: ${JSON.stringify(tls)}`,
  };
}

/** @param {Place} place */
function haproxyConfig(place) {
  const { shape = 'h1', certificate, workDir } = place;
  if (shape === 'h1') {
    return render('haproxy.cfg', { ...ports(place), maxconn: place.longLived ? 12_000 : 4000 }, workDir);
  }
  const http2Client = shape === 'h2-h1' || shape === 'h2-h2' || shape === 'grpc';
  const fields = [
    'unique-id-format %[uuid()]',
    'unique-id-header X-Request-Id',
    'option forwardfor',
    'http-request set-header X-Forwarded-Proto http',
  ];
  const tls = `ssl crt ${certificate?.both} alpn h2,http/1.1`;
  const values = {
    ...ports(place),
    mode: shape === 'tcp' ? 'tcp' : 'http',
    bind_options: certificate !== undefined ? tls : http2Client ? 'proto h2' : '',
    request_fields: shape === 'tcp' ? '' : fields.join('\n  '),
    server_options: `${shape === 'h2-h2' || shape === 'grpc' ? 'proto h2 ' : ''}${shape === 'tcp' ? '' : 'pool-max-conn -1 pool-purge-delay 3600s'}`,
  };
  return render('haproxy-protocols.cfg', values, workDir);
}

/** @param {Place} place */
function nghttpxConfig(place) {
  const { shape, certificate, workDir } = place;
  const values = {
    ...ports(place),
    tls: certificate === undefined ? 'no-tls' : '',
    upstream_protocol: shape === 'h2-h2' || shape === 'grpc' ? 'h2' : 'http/1.1',
    certificate:
      certificate === undefined ? '' : `private-key-file=${certificate.key}\ncertificate-file=${certificate.cert}`,
  };
  return render('nghttpx.conf', values, workDir);
}

/** What nginx-proxy.conf differs in. @param {Place} place */
function nginxProtocols({ shape = 'h1', certificate }) {
  const options = [certificate === undefined ? '' : 'ssl', shape === 'h1' || shape === 'tls' ? '' : 'http2'];
  return {
    listen_options: options.join(' '),
    tls:
      certificate === undefined
        ? ''
        : `ssl_certificate ${certificate.cert}; ssl_certificate_key ${certificate.key}; ssl_session_cache shared:a:1m;`,
    pass:
      shape === 'grpc'
        ? 'grpc_pass grpc://service1;'
        : 'proxy_pass http://service1; proxy_http_version 1.1; proxy_set_header Connection "";',
  };
}

/** The module stands beside the others that the distribution brings, if it is not built in. */
function streamModule() {
  const path = process.env.NGINX_STREAM_MODULE ?? '/usr/lib/nginx/modules/ngx_stream_module.so';
  return existsSync(path) ? `load_module ${path};` : '';
}

/** @param {Place} place */
function ports(place) {
  return { listen_port: place.listenPort, admin_port: place.adminPort, upstream_port: place.upstreamPort };
}

/** @param {string} name @param {string} variable */
function binary(name, variable) {
  return process.env[variable] ?? name;
}

/** @param {string} name */
function packageVersion(name) {
  const paths = require.resolve.paths(name) ?? [];
  const file = paths.map((path) => join(path, name, 'package.json')).find((path) => existsSync(path));
  return file ? JSON.parse(readFileSync(file, 'utf8')).version : 'not installed';
}
