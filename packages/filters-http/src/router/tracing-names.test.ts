/** Names and tags of spans by configuration, spans in filters, and tracers themselves. */
import { defineHttpFilter, defineTracer, route, type Span } from '@mesh/core';
import { answer, recordingTracer, sequence } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { router } from '../index.ts';
import { ask, closeAfterEach, get, proxyFor, SPAWN, traced, upstreamOf } from './fixture.ts';

closeAfterEach();

describe('decorators', () => {
  const deco = (propagate = true) => [route('/', 'upstream', { decorator: { operation: 'op', propagate } })];
  const INCOMING = 'x-envoy-decorator-operation: asked\r\n';
  const NAME = 'x-envoy-decorator-operation';

  it.each<[string, boolean, string, string, string | undefined]>([
    ['the route names it', true, '', 'op', 'op'],
    ['it is not told on', false, '', 'op', undefined],
    ['the client names it', true, INCOMING, 'asked', undefined],
  ])('ingress: %s', async (_name, propagate, fields, name, told) => {
    const upstream = await upstreamOf(answer());
    const { proxy, traces } = await traced({ upstream, routes: deco(propagate) });
    const response = await ask(proxy, get('/', fields));
    expect(traces.spans).toMatchObject([{ name }]);
    expect(response.headers[NAME]).toBe(told);
    expect(upstream.requests[0]?.headers[NAME]).toBeUndefined();
  });

  it('egress: the upstream is told, and may name it', async () => {
    const upstream = await upstreamOf(sequence(answer(), answer({ headers: { [NAME]: 'named' } })));
    const { proxy, traces } = await traced({ upstream, routes: deco(), listener: { trafficDirection: 'OUTBOUND' } });
    await ask(proxy);
    const response = await ask(proxy);
    expect(traces.spans).toMatchObject([
      { name: 'op', kind: 'client' },
      { name: 'named', kind: 'client' },
    ]);
    expect(upstream.requests[0]?.headers[NAME]).toBe('op');
    expect(response.headers[NAME]).toBeUndefined();
  });

  it('do not count where names have a format', async () => {
    const upstream = await upstreamOf(answer());
    const operation = 'op %REQ(:METHOD)% %REQ(x)% %RESPONSE_CODE%';
    const names = { ...SPAWN, operation, upstreamOperation: 'to %UPSTREAM_HOST%' };
    const { proxy, traces } = await traced({ upstream, routes: deco() }, names);
    const response = await ask(proxy, get('/', INCOMING));
    expect(traces.tree()).toBe(`op GET  200\n  to 127.0.0.1:${upstream.port}`);
    expect(response.headers[NAME]).toBeUndefined();
    expect(upstream.requests[0]?.headers[NAME]).toBe('asked');
  });
});

describe('custom tags', () => {
  it('come from everywhere, those of the route first, and take the place of others', async () => {
    const metadata = (kind: string, key: string) => ({
      kind: { [kind]: {} },
      metadataKey: { key, path: [{ key: 'k' }] },
    });
    const customTags = [
      { tag: 'lit', literal: { value: 'manager' } },
      { tag: 'hdr', requestHeader: { name: 'X-Hdr' } },
      { tag: 'dflt', requestHeader: { name: 'x-none', defaultValue: 'd' } },
      { tag: 'gone', requestHeader: { name: 'x-none' } },
      { tag: 'env', environment: { name: 'MESH_NO_SUCH', defaultValue: 'e' } },
      { tag: 'host', metadata: metadata('host', 'hm') },
      { tag: 'cluster', metadata: metadata('cluster', 'cm') },
      { tag: 'route', metadata: metadata('route', 'rm') },
      { tag: 'dynamic', metadata: metadata('request', 'qm') },
      { tag: 'fmt', value: '%REQ(:METHOD)%-%RESPONSE_CODE%' },
      { tag: 'response_size', literal: { value: 'mine' } },
    ];
    const upstream = await upstreamOf(answer());
    const routes = [
      route('/', 'upstream', {
        metadata: { filterMetadata: { rm: { k: { b: [1, 'x'], a: true } } } },
        tracing: { customTags: [{ tag: 'lit', literal: { value: 'route' } }] },
      }),
    ];
    const filters = [
      defineHttpFilter({
        name: 'noting',
        config: z.object({}),
        create: () => ({ onRequestHeaders: (_, { info }) => void info.metadata.set('qm', { k: 1234567 }) }),
      })(),
    ];
    const settings = { metadata: { filterMetadata: { cm: { k: 'c' } } } };
    const { proxy, traces } = await traced({ upstream, routes, filters, cluster: settings }, { ...SPAWN, customTags });
    await ask(proxy, get('/', 'x-hdr: h\r\n'));
    const wanted = {
      lit: 'route',
      hdr: 'h',
      dflt: 'd',
      env: 'e',
      cluster: 'c',
      route: '{"a":true,"b":[1,"x"]}',
      dynamic: '1.23457e+06',
      fmt: 'GET-200',
      response_size: 'mine',
    };
    for (const { tags } of traces.spans) {
      expect(tags).toMatchObject(wanted);
      expect(tags).not.toHaveProperty('gone');
      expect(tags).not.toHaveProperty('host');
    }
  });
});

describe('filters', () => {
  it('add spans of their own', async () => {
    const filter = defineHttpFilter({
      name: 'asking',
      config: z.object({}),
      create: () => ({
        onRequestHeaders(_, { span, info }) {
          const child = span?.startChild({ operation: 'lookup', startUs: info.startWallMs * 1000, kind: 'client' });
          child?.setTag('found', 'yes');
          child?.finish(info.startWallMs * 1000);
        },
      }),
    });
    const { proxy, traces } = await traced({ upstream: await upstreamOf(answer()), filters: [filter()] });
    await ask(proxy);
    expect(traces.tree()).toBe('a\n  lookup');
  });

  it('run within the span, and so do their promises', async () => {
    const traces = recordingTracer({ within: true });
    const seen: (string | undefined)[] = [];
    const filter = defineHttpFilter({
      name: 'waiting',
      config: z.object({}),
      create: () => ({
        async onRequestHeaders() {
          seen.push(traces.active()?.spanId);
          await new Promise(setImmediate);
          seen.push(traces.active()?.spanId);
        },
        onResponseHeaders: () => void seen.push(traces.active()?.spanId),
        onComplete: () => void seen.push(traces.active()?.spanId),
      }),
    });
    const upstream = await upstreamOf(answer());
    const proxy = await proxyFor({ upstream, filters: [filter()], tracing: { provider: traces.provider } });
    await ask(proxy);
    expect(seen).toEqual(Array(4).fill(traces.spans[0]?.spanId));
    expect(traces.active()).toBeUndefined();
  });
});

describe('a tracer that throws', () => {
  it.each(['startSpan', 'inject', 'setTag', 'startChild', 'finish'])('in %s costs a counter', async (method) => {
    const boom = () => {
      throw new Error('boom');
    };
    const none = () => {};
    const span: Span = {
      ...{ traceId: '1', spanId: '1', sampled: true, localDecision: true },
      ...{ setOperation: none, annotate: none, setSampled: none, setTag: none, inject: none, finish: none },
      startChild: () => span,
      [method]: boom,
    };
    const tracer = defineTracer({
      name: 'broken',
      config: z.object({}),
      create: () => ({ startSpan: method === 'startSpan' ? boom : () => span }),
    });
    const upstream = await upstreamOf(answer({ body: 'fine' }));
    const proxy = await proxyFor({ upstream, tracing: { provider: tracer(), spawnUpstreamSpan: true } });
    expect((await ask(proxy)).body.toString()).toBe('fine');
    expect(proxy.stats('tracing.failed')).toBeGreaterThan(0);
    expect(proxy.logs.some(({ message }) => message.includes('boom'))).toBe(true);
  });
});

describe('tracers', () => {
  it('are shared, and closed with the last that has them', async () => {
    const traces = recordingTracer();
    const upstream = await upstreamOf(answer());
    const { config } = { config: yaml(upstream.port) };
    const proxy = await proxyFor({ config, extensions: [router, traces.extension] });
    await ask(proxy);
    await ask({ port: proxy.proxy.address('two').port });
    expect([traces.made, traces.closed]).toEqual([1, 0]);
    expect(traces.spans.map(({ kind, tags }) => [kind, tags.node_id, tags.zone])).toEqual([
      ['server', 'n', 'z'],
      ['client', 'n', 'z'],
    ]);
    await proxy.proxy.listeners.remove('two', { replaceStatic: true });
    expect(traces.closed).toBe(0);
    await proxy.close();
    expect([traces.made, traces.closed]).toEqual([1, 1]);
  });
});

/** Two listeners with one provider: that of the bootstrap, and the same by name. */
function yaml(port: number): object {
  const manager = (tracing: object) => ({
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'h',
    tracing,
    route_config: {
      virtual_hosts: [{ name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'c' } }] }],
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  });
  const listener = (name: string, tracing: object, more: object = {}) => ({
    name,
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [
      { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager(tracing) }] },
    ],
    ...more,
  });
  const socket = { address: '127.0.0.1', port_value: port };
  const lb = [{ endpoint: { address: { socket_address: socket } } }];
  return {
    node: { id: 'n', locality: { zone: 'z' } },
    tracing: { http: { name: 'mesh.tracers.recording' } },
    static_resources: {
      listeners: [
        listener('one', {}),
        listener('two', { provider: { name: 'mesh.tracers.recording' } }, { traffic_direction: 'OUTBOUND' }),
      ],
      clusters: [{ name: 'c', load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: lb }] } }],
    },
  };
}
