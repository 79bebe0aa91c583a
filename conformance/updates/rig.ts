/** A proxy in this process, upstreams that say who they are, and clients that keep their connections. */
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { cluster, createProxy, http as httpManager, listener, type MeshProxy, route, virtualHost } from '@mesh/core';
import { router } from '@mesh/filters-http';
import { standard } from '@mesh/standard';

/** A server that answers every request with its name. */
export class NamedUpstream {
  readonly port: number;
  requests = 0;
  /** Answers wait for this. */
  held: Promise<void> | undefined = undefined;
  private readonly server: http.Server;

  private constructor(server: http.Server) {
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(name: string): Promise<NamedUpstream> {
    const server = http.createServer({ keepAliveTimeout: 0 });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const upstream = new NamedUpstream(server);
    server.on('request', async (_request, response) => {
      upstream.requests++;
      if (upstream.held !== undefined) await upstream.held;
      response.end(name);
    });
    return upstream;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
    });
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** A cluster `c` at these upstreams; `mark` makes another config of it. */
export function clusterAt(upstreams: readonly NamedUpstream[], mark = 0, name = 'c') {
  const endpoints = upstreams.map(({ address }) => address);
  return cluster(name, { endpoints, connectTimeoutMs: 5000 + mark });
}

/** All requests to `to`; the version stands in two fields, so that a mixture would be seen. */
export function versionHost(version: number, to = 'c') {
  const field = (key: string) => ({
    header: { key, value: String(version) },
    appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD',
  });
  return virtualHost('all', {
    domains: ['*'],
    responseHeadersToAdd: [field('x-host-version')] as never,
    routes: [route('/', to, { responseHeadersToAdd: [field('x-route-version')] as never })],
  });
}

/** The listener `l` with the route table `table`. */
export function listenerOf(version: number, options: { readonly port?: number; readonly maxKb?: number } = {}) {
  const { port = 0, maxKb } = options;
  const manager = httpManager({
    virtualHosts: [versionHost(version)],
    filters: [router()],
    routeConfigName: 'table',
    serverName: `listener-${version}`,
  });
  return listener({
    name: 'l',
    host: '127.0.0.1',
    port,
    ...(maxKb === undefined ? {} : { perConnectionBufferLimitBytes: maxKb * 1024 }),
    http: manager,
  });
}

/** A started proxy with listener `l`, route table `table`, cluster `c`. */
export async function startProxy(upstreams: readonly NamedUpstream[], drainTimeMs?: number): Promise<MeshProxy> {
  const proxy = await createProxy({
    extensions: [...standard],
    listeners: [listenerOf(0)],
    clusters: [clusterAt(upstreams)],
    ...(drainTimeMs === undefined ? {} : { drainTimeMs }),
  });
  await proxy.start();
  return proxy;
}

/** An answer, and which connection it came on. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** One HTTP/1.1 request. */
export function get1(port: number, agent: http.Agent | false = false, path = '/'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, path, agent }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body += text;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
    });
    request.on('error', reject);
  });
}

/** HTTP/2 requests on one connection, until the server says GOAWAY; then on another. */
export class Client2 {
  private readonly port: number;
  private session: http2.ClientHttp2Session | undefined = undefined;
  connections = 0;

  constructor(port: number) {
    this.port = port;
  }

  private current(): http2.ClientHttp2Session {
    const { session } = this;
    if (session !== undefined && !session.closed && !session.destroyed) return session;
    this.connections++;
    const made = http2.connect(`http://127.0.0.1:${this.port}`);
    made.on('error', () => {});
    made.on('goaway', () => made.close());
    this.session = made;
    return made;
  }

  get(path = '/'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const stream = this.current().request({ ':path': path });
      let body = '';
      let headers: Record<string, unknown> = {};
      stream.setEncoding('utf8');
      stream.on('response', (fields) => {
        headers = fields;
      });
      stream.on('data', (text: string) => {
        body += text;
      });
      stream.on('error', reject);
      stream.on('end', () => resolve({ status: Number(headers[':status'] ?? 0), body, headers }));
    });
  }

  close(): void {
    this.session?.destroy();
  }
}

/** The value of a counter or gauge. */
export function stat(proxy: MeshProxy, name: string): number | undefined {
  return [...proxy.stats.counters(), ...proxy.stats.gauges()].find((one) => one.name === name)?.value;
}
