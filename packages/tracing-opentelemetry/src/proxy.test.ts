import { defineHttpFilter } from '@mesh/core';
import { message, required, string } from '@mesh/core/proto';
import { router } from '@mesh/filters-http';
import { type LiveProxy, startProxy, startUpstream, type Upstream } from '@mesh/testing';
import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { afterEach, describe, expect, test } from 'vitest';
import { plain, Sdk, started } from './fixture.ts';
import { offered } from './offered.ts';
import { openTelemetry } from './open-telemetry.ts';

/** What an instrumented `fetch` does: a client span below the active one, whose context goes into the headers. */
async function tracedFetch(url: string): Promise<void> {
  await trace.getTracer('fetch').startActiveSpan('GET', { kind: SpanKind.CLIENT }, async (span) => {
    const headers: Record<string, string> = {};
    propagation.inject(context.active(), headers, { set: (to, name, value) => / /.test(name) || (to[name] = value) });
    await (await fetch(url, { headers })).arrayBuffer();
    span.end();
  });
}

const askFirst = defineHttpFilter({
  name: 'acme.filters.http.ask_first',
  config: message({ url: required(string()) }, { name: 'acme.AskFirst' }),
  create: ({ url }) => ({
    async onRequestHeaders() {
      await tracedFetch(url);
    },
  }),
});

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  Sdk.remove();
  started.length = 0;
});

async function upstream(): Promise<Upstream> {
  const made = await startUpstream();
  closing.push(() => made.close());
  return made;
}

function kept(proxy: LiveProxy): LiveProxy {
  closing.unshift(() => proxy.close());
  return proxy;
}

const parentOf = (span: ReadableSpan | undefined) => span?.parentSpanContext?.spanId;
const idOf = (span: ReadableSpan | undefined) => span?.spanContext().spanId;
const urlOf = ({ port }: Upstream) => `http://127.0.0.1:${port}`;
const traceparent = (server: Upstream) => server.requests[0]?.headers.traceparent;

describe('a proxy in an application with an SDK', () => {
  test('gives it spans of requests and of attempts, and a fetch in a filter is below the request', async () => {
    const sdk = new Sdk();
    const [service, other] = [await upstream(), await upstream()];
    const proxy = kept(
      await startProxy({
        upstream: service,
        filters: [askFirst({ url: urlOf(other) })],
        tracing: { provider: openTelemetry(), spawnUpstreamSpan: true },
      }),
    );
    expect((await fetch(`${proxy.url}/a`)).status).toBe(200);
    await expect.poll(() => sdk.spans.length).toBe(3);
    const named = (name: RegExp) => sdk.spans.find((span) => name.test(span.name));
    const [request, call, attempt] = [named(/^127/), named(/^GET$/), named(/^router upstream egress$/)];
    expect(parentOf(request)).toBeUndefined();
    expect([parentOf(call), parentOf(attempt)]).toEqual([idOf(request), idOf(request)]);
    expect(request).toMatchObject({ kind: SpanKind.SERVER, attributes: { 'http.status_code': '200' } });
    expect(attempt?.kind).toBe(SpanKind.CLIENT);
    const { traceId } = request?.spanContext() ?? {};
    expect(traceparent(other)).toBe(`00-${traceId}-${idOf(call)}-01`);
    expect(traceparent(service)).toBe(`00-${traceId}-${idOf(attempt)}-01`);
  });

  test('continues the trace of an application that calls it', async () => {
    const sdk = new Sdk();
    const service = await upstream();
    const proxy = kept(await startProxy({ upstream: service, tracing: { provider: openTelemetry() } }));
    await trace.getTracer('app').startActiveSpan('app', async (span) => {
      await tracedFetch(proxy.url);
      span.end();
    });
    await expect.poll(() => sdk.spans.length).toBe(3);
    const [request, call, app] = [/^127/, /^GET$/, /^app$/].map((name) =>
      sdk.spans.find((span) => name.test(span.name)),
    );
    expect([parentOf(request), parentOf(call)]).toEqual([idOf(call), idOf(app)]);
  });

  test('is found by a file that names it', async () => {
    const sdk = new Sdk();
    const service = await upstream();
    const at = (port: number) => ({ address: { socket_address: { address: '127.0.0.1', port_value: port } } });
    const routes = [{ match: { prefix: '/' }, route: { cluster: 'up' } }];
    const manager = {
      '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
      stat_prefix: 'in',
      tracing: { provider: { name: 'mesh.tracers.opentelemetry_api', config: { tracer_name: 'edge' } } },
      route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
      http_filters: [{ name: 'envoy.filters.http.router' }],
    };
    const filters = [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }];
    const endpoints = [{ lb_endpoints: [{ endpoint: at(service.port) }] }];
    const proxy = kept(
      await startProxy({
        extensions: [router, openTelemetry],
        config: {
          static_resources: {
            listeners: [{ name: 'in', ...at(0), filter_chains: [{ filters }] }],
            clusters: [{ name: 'up', load_assignment: { cluster_name: 'up', endpoints } }],
          },
        },
      }),
    );
    await (await fetch(proxy.url)).arrayBuffer();
    await expect.poll(() => sdk.spans.length).toBe(1);
    expect(sdk.spans[0]?.instrumentationScope.name).toBe('edge');
  });

  test('gives it the spans of another tracer', async () => {
    const sdk = new Sdk();
    const [service, other] = [await upstream(), await upstream()];
    const proxy = kept(
      await startProxy({
        upstream: service,
        filters: [askFirst({ url: urlOf(other) })],
        tracing: { provider: offered(plain('')) },
      }),
    );
    await (await fetch(proxy.url)).arrayBuffer();
    await expect.poll(() => sdk.spans.length).toBe(2);
    const request = sdk.spans.find(({ name }) => name !== 'GET');
    const call = sdk.spans.find(({ name }) => name === 'GET');
    expect(started[0]).toMatchObject({ spanId: idOf(request) });
    expect(parentOf(call)).toBe(idOf(request));
  });

  test('serves without one as well', async () => {
    const service = await upstream();
    const proxy = kept(await startProxy({ upstream: service, tracing: { provider: openTelemetry() } }));
    expect((await fetch(proxy.url)).status).toBe(200);
    expect(traceparent(service)).toBeUndefined();
  });
});
