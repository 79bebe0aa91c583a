/** Test equipment of the loggers that ship: collectors by @grpc/grpc-js, and proxies that log to them. */

import { createRequire } from 'node:module';
import path from 'node:path';
import {
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { type ServiceDefinition as LoadedService, loadSync, type Options } from '@grpc/proto-loader';
import { createProxy, type MeshProxy, type ProxyOptions } from '@mesh/core';
import { router } from '@mesh/filters-http';
import { until } from '@mesh/testing';
import { httpGrpcAccessLog, tcpGrpcAccessLog } from './index.ts';

const cleanups: (() => unknown)[] = [];

/** Ends what the tests of a file have started. */
export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

/** Runs `cleanup` at the end of the test. */
export function atEnd(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

const DEPS = path.join(path.dirname(createRequire(import.meta.url).resolve('@grpc/grpc-js-xds')), '../../deps');
const LOADING: Options = {
  includeDirs: ['envoy-api', 'googleapis', 'protoc-gen-validate', 'xds'].map((each) => path.join(DEPS, each)),
  keepCase: true,
  longs: Number,
  enums: String,
};

/** A service of Envoy's protos by its full name. */
export function envoyService(file: string, name: string): LoadedService {
  return loadSync(file, LOADING)[name] as LoadedService;
}

const ALS = 'envoy.service.accesslog.v3.AccessLogService';
let als: LoadedService | undefined;

/** A message as protobuf.js reads it. */
// biome-ignore lint/suspicious/noExplicitAny: what a test looks into is known to the test
export type Decoded = any;

/** One call of a client. */
export interface Call {
  readonly messages: Decoded[];
  readonly stream: ServerDuplexStream<Decoded, Decoded>;
  ended: boolean;
}

/** An access log service that keeps what it is sent. */
export class Collector {
  readonly calls: Call[] = [];
  /** Takes calls, and reads nothing of them. */
  deaf = false;
  port = 0;
  private server: Server | undefined = undefined;

  get messages(): Decoded[] {
    return this.calls.flatMap(({ messages }) => messages);
  }

  /** Entries about exchanges, in the order in which they came. */
  get entries(): Decoded[] {
    return this.messages.flatMap((message) => (message.http_logs ?? message.tcp_logs).log_entry);
  }

  async start(port = this.port): Promise<this> {
    als ??= envoyService('envoy/service/accesslog/v3/als.proto', ALS);
    const method = als.StreamAccessLogs as unknown as MethodDefinition<Decoded, Decoded>;
    const server = new Server();
    server.addService({ StreamAccessLogs: method } as ServiceDefinition, {
      StreamAccessLogs: (stream: ServerDuplexStream<Decoded, Decoded>) => this.take(stream),
    });
    this.port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    this.server = server;
    return this;
  }

  private take(stream: ServerDuplexStream<Decoded, Decoded>): void {
    const call: Call = { messages: [], stream, ended: false };
    this.calls.push(call);
    stream.on('error', () => {});
    if (this.deaf) {
      stream.pause();
      return;
    }
    stream.on('data', (message: Decoded) => void call.messages.push(message));
    stream.on('end', () => {
      call.ended = true;
      (stream as unknown as { end(): void }).end();
    });
  }

  /** Ends the server and its connections. */
  stop(): void {
    this.server?.forceShutdown();
    this.server = undefined;
  }

  async untilEntries(count: number): Promise<Decoded[]> {
    await until(() => this.entries.length >= count, `${count} entries`);
    return this.entries;
  }
}

export async function collector(): Promise<Collector> {
  const made = await new Collector().start();
  cleanups.push(() => made.stop());
  return made;
}

/** A proxy under test. */
export class LoggingProxy {
  readonly proxy: MeshProxy;

  constructor(proxy: MeshProxy) {
    this.proxy = proxy;
  }
  get port(): number {
    return this.proxy.address().port;
  }
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }
  /** 0 for what has never been counted. */
  stats(name: string): number {
    const all = [...this.proxy.stats.counters(), ...this.proxy.stats.gauges()];
    return all.find((metric) => metric.name === name)?.value ?? 0;
  }
  close(): Promise<void> {
    return this.proxy.close();
  }
}

/** What may differ between proxies. */
export interface LoggingOptions extends Pick<ProxyOptions, 'clock' | 'extensions' | 'logger'> {
  /** YAML of a list of routes. */
  readonly routes?: string;
  /** Protocol of the cluster `als`. Default HTTP/2. */
  readonly http2?: boolean;
}

/** A proxy that answers directly and logs as `logs`, the YAML of an `access_log` list, says; cluster `als` is `port`. */
export async function loggingProxy(logs: string, port: number, options: LoggingOptions = {}): Promise<LoggingProxy> {
  const { routes = ROUTES, http2 = true, ...rest } = options;
  const extensions = [router, httpGrpcAccessLog, tcpGrpcAccessLog];
  const logger = { log: () => {} };
  const configOverride = bootstrap(logs, port, routes, http2);
  const proxy = await createProxy({ configOverride, extensions, logger, ...rest });
  cleanups.push(() => proxy.close());
  await proxy.start();
  return new LoggingProxy(proxy);
}

const ROUTES = '[{ name: all, match: { prefix: / }, direct_response: { status: 201, body: { inline_string: hi } } }]';

function bootstrap(logs: string, port: number, routes: string, http2: boolean): string {
  const protocol = `typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http2_protocol_options: {} }`;
  return `
node: { id: n1, cluster: c1, locality: { zone: z1 }, metadata: { a: [b, 1, true, null, { c: d }] } }
static_resources:
  listeners:
  - name: l
    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          access_log: ${logs}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
          route_config: { virtual_hosts: [{ name: v, domains: ["*"], routes: ${routes} }] }
  clusters:
  - name: als
    type: STATIC
    connect_timeout: 1s
    ${http2 ? protocol : ''}
    load_assignment: { cluster_name: als, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } } }] }] }
`;
}
