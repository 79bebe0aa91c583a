/** Live proxies, upstreams and clients of the router's tests, closed after each test. */
import {
  type ConfiguredHttpFilter,
  defineHttpFilter,
  flagString,
  type HttpFilter,
  type HttpOptions,
  route,
  virtualHost,
} from '@mesh/core';
import {
  type LiveProxy,
  type RawClient,
  type RecordedSpan,
  rawClient,
  recordingTracer,
  type StartProxyOptions,
  startProxy,
  startUpstream,
  turn,
  type Upstream,
} from '@mesh/testing';
import { afterEach } from 'vitest';
import { z } from 'zod';

const cleanups: (() => unknown)[] = [];

/** Call it once in each test file. */
export function closeAfterEach(): void {
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
}

export async function proxyFor(options: StartProxyOptions): Promise<LiveProxy> {
  const proxy = await startProxy(options);
  cleanups.push(() => proxy.close());
  return proxy;
}

export async function upstreamOf(...what: Parameters<typeof startUpstream>): Promise<Upstream> {
  const upstream = await startUpstream(...what);
  cleanups.push(() => upstream.close());
  return upstream;
}

export async function clientOf(proxy: { readonly port: number }): Promise<RawClient> {
  const client = await rawClient(proxy.port);
  cleanups.push(() => client.socket.destroy());
  return client;
}

/** Sends one request on a connection of its own and reads its response. */
export async function ask(proxy: { readonly port: number }, request = get('/'), method = 'GET') {
  const client = await clientOf(proxy);
  await client.send(request);
  const response = await client.readResponse({ method });
  client.socket.destroy();
  return response;
}

export function get(path: string, fields = ''): string {
  return `GET ${path} HTTP/1.1\r\nhost: a\r\n${fields}\r\n`;
}

export function post(path: string, body: string, fields = ''): string {
  return `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n${fields}\r\n${body}`;
}

/** A filter out of hooks. */
export function filterOf(name: string, hooks: HttpFilter): ConfiguredHttpFilter {
  return defineHttpFilter({ name, config: z.object({}), create: () => hooks })();
}

/** What the log point of a stream saw. */
export interface Outcome {
  readonly status: number | undefined;
  readonly flags: string;
  readonly details: string;
}

/** A filter that notes every stream's outcome. */
export function observer(): { readonly filter: ConfiguredHttpFilter; readonly outcomes: Outcome[] } {
  const outcomes: Outcome[] = [];
  const filter = filterOf('observer', {
    onComplete({ info, responseHeaders }) {
      outcomes.push({ status: responseHeaders?.status, flags: flagString(info.flags), details: info.details });
    },
  });
  return { filter, outcomes };
}

/** Lets everything that sockets of this process have for one another arrive. */
export async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

/** A connection manager for which clients on loopback are internal: their `x-envoy-*` fields count. */
export const TRUSTING = {
  useRemoteAddress: true,
  internalAddressConfig: { cidrRanges: [{ addressPrefix: '127.0.0.0', prefixLen: 8 }] },
} as unknown as StartProxyOptions;

/** Routes everything to the cluster `upstream` with these settings of route action and virtual host. */
export function routed(action: object, host: object = {}): StartProxyOptions {
  const routes = [route('/', 'upstream', { route: action as Record<string, unknown> })];
  return { virtualHosts: [virtualHost('v', { domains: ['*'], routes, ...host })] };
}

/** `routed` with a retry policy. */
export function retrying(retryPolicy: object, host: object = {}, action: object = {}): StartProxyOptions {
  return routed({ ...action, retryPolicy }, host);
}

/** Settings of tracing. */
export type Tracing = NonNullable<HttpOptions['tracing']>;

/** A proxy with a recording tracer. `count` reads its statistics. */
export async function traced(options: StartProxyOptions = {}, tracing: Tracing = {}) {
  const traces = recordingTracer();
  const proxy = await proxyFor({ ...TRUSTING, ...options, tracing: { provider: traces.provider, ...tracing } });
  return { proxy, traces, count: (name: string) => proxy.stats(`http.ingress_http.tracing.${name}`) };
}

/** Attempts have spans of their own. */
export const SPAWN: Tracing = { spawnUpstreamSpan: true };

/** Tags of the attempts' spans, in the order in which they ended. */
export function attemptTags(spans: readonly RecordedSpan[]): Readonly<Record<string, string>>[] {
  return spans.filter(({ name }) => name.startsWith('router ')).map(({ tags }) => tags);
}
