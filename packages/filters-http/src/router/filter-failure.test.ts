/** Filters that fail, on real sockets: the price is paid by their own stream. */
import type { HttpFilter } from '@mesh/core';
import { describe, expect, it } from 'vitest';
import { ask, clientOf, closeAfterEach, filterOf, get, post, proxyFor, upstreamOf } from './fixture.ts';

closeAfterEach();

/** Fails for paths that begin with /bad, and is harmless otherwise. */
function failing(hook: keyof HttpFilter, promise: boolean): HttpFilter {
  return {
    [hook](_part: unknown, stream: { requestHeaders: { path: string } }) {
      if (!stream.requestHeaders.path.startsWith('/bad')) return undefined;
      const error = new Error(`in ${hook}`);
      if (promise) return Promise.reject(error);
      throw error;
    },
  };
}

const HOOKS = ['onRequestHeaders', 'onRequestData', 'onResponseHeaders', 'onResponseData'] as const;

describe.each(HOOKS.flatMap((hook) => [false, true].map((promise) => ({ hook, promise }))))(
  'a filter that fails in $hook, promise $promise',
  ({ hook, promise }) => {
    it('costs its own stream a 500 or a reset, a counter and a log line, and nobody else', async () => {
      const upstream = await upstreamOf({ body: 'fine' });
      const proxy = await proxyFor({ upstream, filters: [filterOf('acme.faulty', failing(hook, promise))] });
      const [victim, other] = [await clientOf(proxy), await clientOf(proxy)];
      await other.send(post('/good/before', 'x'));
      expect((await other.readResponse()).body).toBe('fine');
      await victim.send(post('/bad', 'x'));
      if (hook === 'onResponseData') await expect(victim.readResponse()).rejects.toThrow();
      else expect(await victim.readResponse()).toMatchObject({ status: 500, body: 'Internal Server Error' });
      await other.send(post('/good/after', 'x'));
      expect((await other.readResponse()).body).toBe('fine');
      expect(proxy.stats('http.ingress_http.filter_error')).toBe(1);
      expect(proxy.logs.map(({ message }) => message).join()).toContain(`filter acme.faulty failed: Error: in ${hook}`);
      expect(proxy.stats('http.ingress_http.downstream_rq_active')).toBe(0);
      expect(proxy.stats('cluster.upstream.upstream_rq_active')).toBe(0);
    });
  },
);

it('an asynchronous response filter sees whole chunks, whatever other streams receive meanwhile', async () => {
  const upstream = await upstreamOf(async (request, peer) => {
    const body = request.path.slice(1).repeat(20_000);
    await peer.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  });
  const slow = filterOf('slow', {
    async onResponseData(chunk) {
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
      return Buffer.from(chunk);
    },
  });
  const proxy = await proxyFor({ upstream, filters: [slow] });
  const letters = ['a', 'b', 'c', 'd'];
  const bodies = await Promise.all(letters.map(async (letter) => (await ask(proxy, get(`/${letter}`))).body));
  expect(bodies.map((body) => body === body[0]?.repeat(20_000))).toEqual([true, true, true, true]);
});

it('a filter that holds a request over the limit answers 413', async () => {
  const { HOLD } = await import('@mesh/core');
  const upstream = await upstreamOf();
  const hold = filterOf('hold', { onRequestHeaders: () => HOLD, onRequestData: () => HOLD });
  const proxy = await proxyFor({ upstream, filters: [hold], listener: { perConnectionBufferLimitBytes: 1024 } });
  const client = await clientOf(proxy);
  await client.send(post('/', 'x'.repeat(2000)));
  expect(await client.readResponse()).toMatchObject({ status: 413, body: 'Payload Too Large' });
  expect(upstream.requests).toHaveLength(0);
});
