import { defineHttpFilter, HOLD, STOP } from '@mesh/core';
import { describe, expect, it } from 'vitest';
import { testFilter } from './test-filter.ts';

const schema = <T>() => ({
  '~standard': {
    version: 1 as const,
    vendor: 'test',
    validate: (value: unknown) => ({ value: value as T }),
    types: undefined as unknown as { input: T; output: T },
  },
});

const filter = (create: Parameters<typeof defineHttpFilter>[0]['create'], name = 'f') =>
  defineHttpFilter({ name, config: schema<object>(), create })({});

describe('testFilter', () => {
  it('plays request and response through the chain', async () => {
    const t = testFilter(
      filter(() => ({
        onRequestHeaders: (headers) => headers.set('x-in', '1'),
        onResponseHeaders: (headers) => headers.set('x-out', '2'),
      })),
    );
    const r = await t.request({
      method: 'POST',
      path: '/p?q',
      headers: { a: 'b' },
      body: 'hello',
      upstream: { status: 201, headers: { 'set-cookie': ['a=1', 'b=2'] }, body: 'made' },
    });
    expect(r).toMatchObject({ status: 201, body: 'made', reset: false, flags: '-', trailers: undefined });
    expect(r.headers).toMatchObject({ 'x-out': '2', 'content-length': '4', 'set-cookie': 'a=1, b=2', server: 'envoy' });
    expect(r.headerLines.filter(([name]) => name === 'set-cookie')).toHaveLength(2);
    expect(r.upstreamRequest).toMatchObject({ method: 'POST', path: '/p?q', body: 'hello', complete: true });
    expect(r.upstreamRequest?.headers).toMatchObject({
      host: 'test.local',
      a: 'b',
      'x-in': '1',
      'content-length': '5',
    });
  });

  it('writes a transcript of every hook', async () => {
    const t = testFilter(
      filter(() => ({
        onRequestHeaders: () => {},
        onRequestData: (chunk) => (chunk.length > 0 ? Buffer.from('replaced') : undefined),
        onRequestTrailers: async () => {},
        onResponseHeaders: () => {},
        onResponseData: (_chunk, _stream, _state, end) => (end ? undefined : HOLD),
        onComplete: () => {},
      })),
    );
    const r = await t.request({
      method: 'POST',
      body: ['ab', 'c'],
      trailers: { t: '1' },
      upstream: { body: ['x', 'y'] },
    });
    expect(r.transcript.text.split('\n')).toEqual([
      '[f] onRequestHeaders POST / -> nothing',
      '[f] onRequestData 2 bytes -> 8 bytes',
      '[f] onRequestData 1 bytes -> 8 bytes',
      '[f] onRequestTrailers 1 trailer end -> promise of nothing',
      '[f] onResponseHeaders 200 -> nothing',
      '[f] onResponseData 1 bytes -> HOLD',
      '[f] onResponseData 1 bytes -> HOLD',
      '[f] onResponseData 0 bytes end -> nothing',
      '[f] onComplete -> nothing',
    ]);
    expect(r.transcript.entries[1]).toMatchObject({ filter: 'f', hook: 'onRequestData', text: 'ab', end: false });
    expect(r.upstreamRequest).toMatchObject({ body: 'replacedreplaced', trailers: { t: '1' } });
    expect(r.chunks).toEqual(['xy']);
  });

  it('shows a reply, and that nothing reached the upstream', async () => {
    const t = testFilter(filter(() => ({ onRequestHeaders: (_headers, stream) => stream.reply(401, 'no\n') })));
    const r = await t.request();
    expect(r).toMatchObject({ status: 401, body: 'no\n', upstreamRequest: undefined });
    expect(r.transcript.text).toBe('[f] onRequestHeaders GET / end -> reply');
  });

  it('runs on virtual time', async () => {
    const t = testFilter(
      filter(() => ({
        onRequestHeaders: (_headers, stream) => {
          stream.timers.after(60_000, () => stream.resumeRequest());
          return STOP;
        },
      })),
    );
    let over = false;
    const response = t.request().finally(() => {
      over = true;
    });
    await t.clock.advanceAsync(59_999);
    expect(over).toBe(false);
    await t.clock.advanceAsync(20);
    expect((await response).status).toBe(200);
  });

  it.each([
    ['STOP', () => STOP, '[f] onRequestHeaders answered STOP and stream.resumeRequest() was not called afterwards'],
    ['a promise', () => new Promise<void>(() => {}), '[f] onRequestHeaders answered a promise that has not settled'],
  ])('names the filter and hook that parks for ever with %s', async (_what, answer, message) => {
    const t = testFilter([filter(() => ({}), 'before'), filter(() => ({ onRequestHeaders: answer }))], {
      patienceMs: 20,
    });
    await expect(t.request()).rejects.toThrow(message);
  });

  it('names a response filter that holds the last part for ever', async () => {
    const t = testFilter(
      filter(() => ({ onResponseData: () => HOLD })),
      { patienceMs: 20 },
    );
    const failure = await t.request({ upstream: { body: 'x' } }).catch(String);
    expect(failure).toContain('[f] onResponseData answered HOLD to the last part and stream.resumeResponse()');
    expect(failure).toContain('[f] onResponseData 1 bytes end -> HOLD');
  });

  it('says so when the upstream is what everybody waits for', async () => {
    const t = testFilter(
      filter(() => ({})),
      { patienceMs: 20 },
    );
    await expect(t.request({ upstream: () => new Promise(() => {}) })).rejects.toThrow('upstream has not answered');
  });

  it('takes a function as upstream', async () => {
    const t = testFilter(filter(() => ({})));
    const r = await t.request({
      method: 'PUT',
      body: 'abc',
      upstream: async ({ body, method }) => ({ body: `${method} ${body}` }),
    });
    expect(r.body).toBe('PUT abc');
  });

  it.each([false, true])('finds out a filter that keeps chunks without copies (promise %s)', async (promise) => {
    const collect = (copy: (chunk: Uint8Array) => Uint8Array) => {
      const kept: Uint8Array[] = [];
      return filter(() => ({
        onRequestData(chunk, _stream, _state, end) {
          kept.push(copy(chunk));
          const answer = end ? Buffer.concat(kept) : new Uint8Array(0);
          return promise ? Promise.resolve(answer) : answer;
        },
      }));
    };
    const request = { method: 'POST', body: ['ab', 'cd'], headers: { 'content-length': '4' } };
    const careful = await testFilter(collect((chunk) => Buffer.from(chunk))).request(request);
    expect(careful.upstreamRequest?.body).toBe('abcd');
    const careless = await testFilter(collect((chunk) => chunk)).request(request);
    expect(careless.upstreamRequest?.body).not.toBe('abcd');
  });

  it('lets a filter change a chunk in place, and answer with a part of it', async () => {
    const chain = [
      filter(() => ({ onRequestData: (chunk) => void chunk.fill(0x7a, 0, 1) }), 'in place'),
      filter(() => ({ onRequestData: async (chunk) => chunk.subarray(0, 2) }), 'part'),
    ];
    const r = await testFilter(chain).request({ method: 'POST', body: 'abc' });
    expect(r.upstreamRequest?.body).toBe('zb');
  });

  it('opens the YAML door', async () => {
    const tag = defineHttpFilter({
      name: 'acme.tag',
      typeUrl: 'type.googleapis.com/acme.Tag',
      config: schema<{ value: string }>(),
      create: ({ value }) => ({ onResponseHeaders: (headers) => headers.set('x-tag', value) }),
    });
    const typedConfig = { '@type': 'type.googleapis.com/acme.Tag', value: 'blue' };
    const t = testFilter({ name: 'acme.tag', typedConfig }, { extensions: [tag] });
    expect((await t.request()).headers['x-tag']).toBe('blue');
    expect(() => testFilter({ name: 'acme.other' }, { extensions: [tag] })).toThrow('no extension for acme.other');
  });

  it('hands per-route config to the filter', async () => {
    const limit = defineHttpFilter({
      name: 'acme.limit',
      config: schema<{ max: number }>(),
      routeConfig: schema<{ max: number }>(),
      create: ({ max }, context) => ({
        onRequestHeaders: (_headers, stream) => stream.reply(200, String(context.routeConfig(stream)?.max ?? max)),
      }),
    });
    const t = testFilter(limit({ max: 1 }));
    expect((await t.request()).body).toBe('1');
    expect((await t.request({ routeConfig: { 'acme.limit': { max: 7 } } })).body).toBe('7');
    await expect(t.request({ routeConfig: { other: {} } })).rejects.toThrow('no filter other');
  });

  it('shows a client that goes away', async () => {
    const t = testFilter(filter(() => ({ onRequestData: () => {}, onComplete: () => {} })));
    const r = await t.request({ method: 'POST', body: ['a'], disconnect: true });
    expect(r).toMatchObject({ status: 0, reset: true, flags: 'DC', details: 'downstream_remote_disconnect' });
    expect(r.transcript.calls).toEqual(['f.onRequestData', 'f.onComplete']);
  });

  it('counts and logs what the engine counts and logs', async () => {
    const t = testFilter(
      filter(() => ({
        onRequestHeaders() {
          throw new Error('oops');
        },
      })),
    );
    expect((await t.request()).status).toBe(500);
    expect(t.stats('http.ingress_http.filter_error')).toBe(1);
    expect(t.logs[0]).toMatchObject({ level: 'error', component: 'filter' });
    expect(t.logs[0]?.message).toContain('filter f failed: Error: oops');
    expect(() => t.stats('http.ingress_http.no_such')).toThrow('there is no counter or gauge');
  });

  it('runs many requests at once, each with its own transcript', async () => {
    const t = testFilter(filter(() => ({ onRequestHeaders: async () => {} })));
    const results = await Promise.all([1, 2, 3].map((n) => t.request({ path: `/${n}` })));
    expect(results.map((r) => r.transcript.entries[0]?.part)).toEqual(['GET /1', 'GET /2', 'GET /3']);
  });
});
