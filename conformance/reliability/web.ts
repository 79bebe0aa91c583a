/** A `mesh` process with a listener for each kind of client and a cluster for each kind of upstream, and what it holds. */
import { readdirSync, readFileSync } from 'node:fs';
import { MeshProcess } from '../mesh-process/index.ts';

const TYPES = 'type.googleapis.com/envoy.extensions';
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const CERTS = new URL('../../examples/sidecars/certs/', import.meta.url).pathname;

/** How a connection speaks. */
export interface Speech {
  readonly version: 'h1' | 'h2';
  readonly tls: boolean;
}

/** Every kind of connection, by the name that its cluster and its route have. */
export const SPEECHES: Readonly<Record<string, Speech>> = {
  h1: { version: 'h1', tls: false },
  h1s: { version: 'h1', tls: true },
  h2: { version: 'h2', tls: false },
  h2s: { version: 'h2', tls: true },
};

/** A certificate and its key, for `localhost`. */
export const PAIR = { cert: readFileSync(`${CERTS}self-signed.crt`), key: readFileSync(`${CERTS}self-signed.key`) };

/** What differs between tests. */
export interface WebOptions {
  /** Ports of the endpoints of each cluster; `/<name>/…` is routed there. */
  readonly clusters: Readonly<Record<string, { readonly speech: Speech; readonly ports: readonly number[] }>>;
  /** Added to each route's action. */
  readonly route?: object;
  /** Added to each cluster. */
  readonly cluster?: object;
  /** The fields of `http2_protocol_options` of the clusters. */
  readonly upstreamHttp2?: object;
  /** Files that the TLS listener takes in the place of those of the examples. */
  readonly certificate?: { readonly chain: string; readonly key: string };
  /** Arguments of the command. */
  readonly args?: readonly string[];
}

/** Ports of a process by {@link startWeb}. */
export interface Web {
  readonly mesh: MeshProcess;
  readonly plain: number;
  readonly tls: number;
}

/** Resolves when it serves. */
export async function startWeb(options: WebOptions): Promise<Web> {
  const mesh = await MeshProcess.start(JSON.stringify(bootstrap(options)), options.args);
  process.once('exit', () => mesh.signal('SIGKILL'));
  const [plain = 0, tls = 0] = mesh.ports;
  return { mesh, plain, tls };
}

function bootstrap(options: WebOptions): object {
  const names = Object.keys(options.clusters);
  const manager = {
    '@type': `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'ingress_http',
    http_protocol_options: { enable_trailers: true },
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: names.map((cluster) => ({
            match: { prefix: `/${cluster}/` },
            route: { cluster, timeout: '0s', ...options.route },
          })),
        },
      ],
    },
    http_filters: [
      { name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPES}.filters.http.router.v3.Router` } },
    ],
  };
  const filters = [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }];
  const files = options.certificate ?? { chain: `${CERTS}self-signed.crt`, key: `${CERTS}self-signed.key` };
  const secured = {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TYPES}.transport_sockets.tls.v3.DownstreamTlsContext`,
      common_tls_context: {
        alpn_protocols: ['h2', 'http/1.1'],
        tls_certificates: [{ certificate_chain: { filename: files.chain }, private_key: { filename: files.key } }],
      },
    },
  };
  return {
    admin: { address: address(0) },
    static_resources: {
      listeners: [
        { name: 'plain', address: address(0), filter_chains: [{ filters }] },
        { name: 'tls', address: address(0), filter_chains: [{ filters, transport_socket: secured }] },
      ],
      clusters: names.map((name) => cluster(name, options)),
    },
  };
}

function cluster(name: string, { clusters, upstreamHttp2, ...options }: WebOptions): object {
  const { speech, ports } = clusters[name] as WebOptions['clusters'][string];
  const http1 = { http_protocol_options: { enable_trailers: true } };
  const explicit = speech.version === 'h1' ? http1 : { http2_protocol_options: { ...upstreamHttp2 } };
  const limits = { max_connections: 10_000, max_pending_requests: 10_000, max_requests: 10_000, max_retries: 1000 };
  const transport = {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TYPES}.transport_sockets.tls.v3.UpstreamTlsContext`,
      sni: 'localhost',
      common_tls_context: { validation_context: { trusted_ca: { filename: `${CERTS}self-signed.crt` } } },
    },
  };
  return {
    name,
    connect_timeout: '5s',
    circuit_breakers: { thresholds: [limits] },
    typed_extension_protocol_options: {
      [HTTP_OPTIONS]: { '@type': `${TYPES}.upstreams.http.v3.HttpProtocolOptions`, explicit_http_config: explicit },
    },
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: ports.map((port) => ({ endpoint: { address: address(port) } })) }],
    },
    ...(speech.tls && { transport_socket: transport }),
    ...options.cluster,
  };
}

function address(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

/** Every counter and gauge of a process. */
export async function statsOf(mesh: MeshProcess): Promise<ReadonlyMap<string, number>> {
  const lines = (await mesh.page('/stats')).trim().split('\n');
  return new Map(lines.map((line) => line.split(': ')).map(([name = '', value]) => [name, Number(value)]));
}

/** Gauges of streams and connections that are not 0; those of the admin server apart. */
export async function activeGauges(mesh: MeshProcess): Promise<Record<string, number>> {
  const active = /^(?!http\.admin\.|listener\.admin\.|listener_manager\.).*(?:_active|pending_send_bytes)$/;
  const all = [...(await statsOf(mesh))];
  return Object.fromEntries(all.filter(([name, value]) => active.test(name) && value !== 0));
}

/** File descriptors that a process has open. */
export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Resident memory of a process. */
export function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** Looks every 20 ms until `found` answers true. Answers false when that takes longer than `limitMs`. */
export async function eventually(found: () => boolean | Promise<boolean>, limitMs: number): Promise<boolean> {
  const endMs = performance.now() + limitMs;
  while (!(await found())) {
    if (performance.now() > endMs) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
