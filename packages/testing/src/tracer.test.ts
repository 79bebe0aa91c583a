import { defineHttpFilter, http, listener, route } from '@mesh/core';
import { message } from '@mesh/core/proto';
import { router } from '@mesh/filters-http';
import { describe, expect, it } from 'vitest';
import { testFilter } from './filter/test-filter.ts';
import { startProxy } from './proxy.ts';
import { recordingTracer } from './tracer.ts';
import { answer } from './upstream/behaviours.ts';
import { startUpstream } from './upstream/upstream.ts';

describe('recordingTracer', () => {
  it('keeps spans, and forgets them', async () => {
    const traces = recordingTracer();
    const upstream = await startUpstream(answer());
    const proxy = await startProxy({ upstream, tracing: { provider: traces.provider, spawnUpstreamSpan: true } });
    await fetch(proxy.url, { headers: { host: 'a' } });
    await fetch(proxy.url, { headers: { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-00` } });
    expect(traces.tree()).toBe(`127.0.0.1:${proxy.port}\n  router upstream egress`);
    expect(traces.spans.map(({ spanId }) => spanId).sort()).toEqual(['0000000000000001', '0000000000000002']);
    expect(traces.unsampled).toMatchObject([{ traceId: '1'.repeat(32), parentId: '2'.repeat(16), sampled: false }]);
    traces.clear();
    expect([...traces.spans, ...traces.unsampled]).toEqual([]);
    await proxy.close();
    await upstream.close();
    expect([traces.made, traces.closed]).toEqual([1, 1]);
  });
});

describe('testFilter', () => {
  it('gives filters the span of their exchange', async () => {
    const traces = recordingTracer({ within: true });
    const filter = defineHttpFilter({
      name: 'spanning',
      config: message({}, { name: 'acme.Spanning' }),
      create: () => ({
        onRequestHeaders(_, stream) {
          stream.span?.setTag('own', String(traces.active() === stream.span));
        },
      }),
    });
    const t = testFilter(filter(), { http: { tracing: { provider: traces.provider } } });
    await t.request({ headers: { host: 'a', 'x-request-id': '00000000-0000-4000-8000-000000000000' } });
    expect(traces.spans).toMatchObject([{ name: 'a', tags: { own: 'true', 'http.status_code': '200' } }]);
  });
});

describe('http({ tracing })', () => {
  const filters = [router()];
  const routes = [route('/', 'c')];

  it('takes percentages, tags and a provider', () => {
    const { provider } = recordingTracer();
    const customTags = [{ tag: 'team', literal: { value: 'blue' } }];
    const { tracing } = http({
      filters,
      routes,
      tracing: { provider, randomSampling: 1.5, verbose: true, customTags },
    });
    expect(tracing).toMatchObject({
      provider: { name: 'mesh.tracers.recording', definition: provider.definition },
      randomSampling: { value: 1.5 },
      verbose: true,
      maxPathTagLength: 256,
      customTags,
    });
  });

  it.each([
    [{ randomSampling: 101 }, 'http tracing.randomSampling is a number from 0 to 100, got 101'],
    [{ overallSampling: Number.NaN }, 'tracing.overallSampling'],
    [{ verbos: true }, 'unknown option verbos (did you mean "verbose"?)'],
  ])('refuses %j', (tracing, message) => {
    expect(() => http({ filters, routes, tracing: tracing as never })).toThrow(message);
  });

  it('is off without it', () => {
    expect(
      listener({ port: 0, http: http({ filters, routes }) }).filterChains[0]?.filters[0]?.config,
    ).not.toHaveProperty('tracing');
  });
});
