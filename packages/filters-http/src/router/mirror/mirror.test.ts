/** Mirrors of a request: what they carry, and that the request they copy does not notice them. Facts of Envoy 1.40. */
import {
  type ClusterConfig,
  cluster,
  defineTerminalHttpFilter,
  type MirrorPolicy,
  type RequestHeaders,
  type TerminalStream,
} from '@mesh/core';
import { answer, neverAnswer, refusedPort, type StartProxyOptions, VirtualClock } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ask, clientOf, closeAfterEach, get, post, proxyFor, upstreamOf } from '../fixture.ts';
import { chooseMirrors, type Mirrors } from './index.ts';
import { localAddress } from './local-address.ts';

closeAfterEach();

function policy(more: Partial<MirrorPolicy> = {}): MirrorPolicy {
  return {
    cluster: 'mirror',
    clusterHeader: undefined,
    fraction: undefined,
    keepHost: false,
    hostRewrite: '',
    mutate: () => undefined,
    ...more,
  };
}

class State {
  mirrors: Mirrors | undefined = undefined;
}

interface Options {
  readonly timeoutMs?: number;
  readonly limitBytes?: number;
  /** Called with each request's end; default answers `main`. */
  readonly finish?: (stream: TerminalStream) => void;
}

/** A terminal filter that mirrors and answers by itself when the request is whole. */
function mirroring(policies: readonly MirrorPolicy[], options: Options = {}) {
  const finish = options.finish ?? ((stream) => void stream.reply(200, 'main'));
  return defineTerminalHttpFilter<z.ZodObject, State>({
    name: 'mirroring',
    config: z.object({}),
    newState: () => new State(),
    create: () => ({
      onRequestHeaders(headers: RequestHeaders, stream, state, end) {
        state.mirrors = chooseMirrors(policies, headers, stream);
        state.mirrors?.start(end, options.timeoutMs ?? 0, options.limitBytes ?? 1_048_576);
        if (end) finish(stream);
      },
      onRequestData(chunk, stream, state, end) {
        state.mirrors?.data(chunk, end, stream.chunkOwned);
        if (end) finish(stream);
      },
      onRequestTrailers(trailers, stream, state) {
        state.mirrors?.trailers(trailers);
        finish(stream);
      },
      onComplete: (_stream, state) => state.mirrors?.release(),
    }),
  })();
}

async function mirrorProxy(
  policies: readonly MirrorPolicy[],
  port: number,
  options: Options & { readonly proxy?: StartProxyOptions; readonly clusters?: readonly ClusterConfig[] } = {},
) {
  return proxyFor({
    filters: [mirroring(policies, options)],
    routes: [],
    httpProtocolOptions: { enableTrailers: true } as never,
    clusters: options.clusters ?? [
      cluster('mirror', { endpoints: [`127.0.0.1:${port}`], httpProtocolOptions: { enableTrailers: true } as never }),
    ],
    ...options.proxy,
  });
}

describe('the head of a mirror', () => {
  it('is marked internal and names this proxy in x-forwarded-for', async () => {
    const upstream = await upstreamOf();
    const proxy = await mirrorProxy([policy()], upstream.port);
    await ask(proxy, get('/p?q', 'x-a: 1\r\nx-forwarded-for: 1.2.3.4\r\n'));
    await upstream.untilRequests(1);
    expect(upstream.requests[0]).toMatchObject({
      method: 'GET',
      path: '/p?q',
      headers: {
        host: 'a-shadow',
        'x-a': '1',
        'x-envoy-internal': 'true',
        'x-forwarded-for': `1.2.3.4,${localAddress()}`,
      },
    });
  });

  it.each<[name: string, given: string, more: Partial<MirrorPolicy>, expected: string]>([
    ['a name', 'a', {}, 'a-shadow'],
    ['a port', 'a:8080', {}, 'a-shadow:8080'],
    ['an IPv6 literal', '[::1]', {}, '[::1]-shadow'],
    ['an IPv6 literal with a port', '[::1]:80', {}, '[::1]-shadow:80'],
    ['disable_shadow_host_suffix_append', 'a:1', { keepHost: true }, 'a:1'],
    ['host_rewrite_literal', 'a:1', { hostRewrite: 'lit:99' }, 'lit:99'],
    ['both', 'a:1', { hostRewrite: 'lit', keepHost: true }, 'lit'],
  ])('has its own host: %s', async (_name, given, more, expected) => {
    const upstream = await upstreamOf();
    const proxy = await mirrorProxy([policy(more)], upstream.port);
    await ask(proxy, `GET / HTTP/1.1\r\nhost: ${given}\r\n\r\n`);
    await upstream.untilRequests(1);
    expect(upstream.requests[0]?.headers.host).toBe(expected);
  });

  it('has the mutations of its policy, and leaves the original alone', async () => {
    const upstream = await upstreamOf();
    const mutate = (headers: RequestHeaders) => {
      headers.set('x-mirror', headers.path);
      headers.remove('x-a');
    };
    let original: RequestHeaders | undefined;
    const finish = (stream: TerminalStream) => {
      original = stream.requestHeaders;
      stream.reply(200);
    };
    const proxy = await mirrorProxy([policy({ mutate }), policy({ keepHost: true })], upstream.port, { finish });
    await ask(proxy, get('/p', 'x-a: 1\r\n'));
    await upstream.untilRequests(2);
    const [changed, plain] = ['a-shadow', 'a'].map((host) =>
      upstream.requests.find(({ headers }) => headers.host === host),
    );
    expect([changed?.headers['x-mirror'], changed?.headers['x-a']]).toEqual(['/p', undefined]);
    expect([plain?.headers['x-mirror'], plain?.headers['x-a']]).toEqual([undefined, '1']);
    expect([original?.authority, original?.get('x-a'), original?.get('x-envoy-internal')]).toEqual([
      'a',
      '1',
      undefined,
    ]);
  });
});

it('body and trailers are mirrored', async () => {
  const upstream = await upstreamOf();
  const proxy = await mirrorProxy([policy()], upstream.port);
  await ask(proxy, post('/', 'hello'));
  await ask(
    proxy,
    'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\nx-t: 1\r\n\r\n',
  );
  await upstream.untilRequests(2);
  expect(upstream.requests.map(({ body, trailers }) => [body, trailers])).toEqual([
    ['hello', undefined],
    ['abcdef', { 'x-t': '1' }],
  ]);
});

describe('which requests are mirrored', () => {
  it.each([
    [90, 0],
    [91, 1],
    [0, 0],
    [100, 1],
  ])('a share, by the number that the stream drew: %i of 100 for one that ends in 90', async (numerator, expected) => {
    const upstream = await upstreamOf();
    const share = policy({ fraction: { numerator, denominator: 100, runtimeKey: '' } });
    const random = () => 1 - Number.EPSILON / 2;
    const proxy = await mirrorProxy([share, policy({ keepHost: true })], upstream.port, { proxy: { random } });
    await ask(proxy, get('/'));
    await upstream.untilRequests(1 + expected);
    expect(upstream.requests.filter(({ headers }) => headers.host === 'a-shadow')).toHaveLength(expected);
  });

  it('those whose cluster_header names a cluster', async () => {
    const upstream = await upstreamOf();
    const byHeader = policy({ cluster: '', clusterHeader: 'x-to' });
    const proxy = await mirrorProxy([byHeader], upstream.port);
    expect((await ask(proxy, get('/none'))).body).toBe('main');
    expect((await ask(proxy, get('/unknown', 'x-to: nowhere\r\n'))).body).toBe('main');
    await ask(proxy, get('/there', 'x-to: mirror\r\n'));
    await upstream.untilRequests(1);
    expect(upstream.requests.map(({ path }) => path)).toEqual(['/there']);
  });
});

describe('a mirror that is slow', () => {
  it('to answer is not waited for, and counted when it does', async () => {
    const clock = new VirtualClock();
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const upstream = await upstreamOf(async (request, peer) => {
      await gate;
      await answer({ status: 204 })(request, peer);
    });
    const proxy = await mirrorProxy([policy()], upstream.port, { timeoutMs: 1000, proxy: { clock } });
    expect((await ask(proxy, get('/'))).body).toBe('main');
    await upstream.untilRequests(1);
    release();
    await proxy.untilStat('cluster.mirror.upstream_rq_204', 1);
    expect(proxy.stats('cluster.mirror.internal.upstream_rq_2xx')).toBe(1);
    expect(proxy.stats('cluster.mirror.upstream_rq_active')).toBe(0);
    clock.advance(5000);
    expect(proxy.stats('cluster.mirror.upstream_rq_timeout')).toBe(0);
  });

  it('to answer is given up after the route timeout', async () => {
    const clock = new VirtualClock();
    const upstream = await upstreamOf(neverAnswer());
    const proxy = await mirrorProxy([policy()], upstream.port, { timeoutMs: 1000, proxy: { clock } });
    await ask(proxy, get('/'));
    await upstream.untilRequests(1);
    clock.advance(990);
    expect(proxy.stats('cluster.mirror.upstream_rq_timeout')).toBe(0);
    clock.advance(26);
    await upstream.until(() => upstream.openConnections === 0, 'the connection to close');
    expect(proxy.stats('cluster.mirror.upstream_rq_timeout')).toBe(1);
    expect(proxy.stats('cluster.mirror.internal.upstream_rq_504')).toBe(1);
  });

  it('to read is given up, and the original goes on', async () => {
    const upstream = await upstreamOf({
      atHead: true,
      keepBodies: false,
      behave: (_request, peer) => {
        peer.pause();
        return new Promise(() => {});
      },
    });
    const bytes = 48 * 1024 * 1024;
    const proxy = await mirrorProxy([policy()], upstream.port);
    const client = await clientOf(proxy);
    await client.send(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${bytes}\r\n\r\n`);
    const chunk = Buffer.alloc(65_536, 'x');
    for (let sent = 0; sent < bytes; sent += chunk.length) await client.send(chunk);
    expect((await client.readResponse()).body).toBe('main');
    expect(proxy.stats('cluster.mirror.retry_or_shadow_abandoned')).toBe(1);
    await proxy.untilStat('cluster.mirror.upstream_rq_active', 0);
  });

  it('to connect holds no more than the limit', async () => {
    // Nobody answers a SYN there (RFC 5737), or the network refuses at once: both leave the original alone.
    const clusters = [cluster('mirror', { endpoints: ['192.0.2.255:9'], connectTimeoutMs: 60_000 })];
    const proxy = await mirrorProxy([policy()], 0, { clusters, limitBytes: 100 });
    expect((await ask(proxy, post('/', 'x'.repeat(500)))).body).toBe('main');
    const over = proxy.stats('cluster.mirror.retry_or_shadow_abandoned');
    expect(over + proxy.stats('cluster.mirror.upstream_rq_503')).toBe(1);
  });
});

it('a client that goes away in mid-request takes the mirror along', async () => {
  const upstream = await upstreamOf({ atHead: true, behave: neverAnswer() });
  const proxy = await mirrorProxy([policy()], upstream.port);
  const client = await clientOf(proxy);
  await client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345');
  await upstream.until(() => upstream.requests[0]?.bodyBytes === 5, 'half of the body');
  client.reset();
  await upstream.until(() => upstream.openConnections === 0, 'the mirror to close');
  await proxy.untilStat('cluster.mirror.upstream_rq_active', 0);
});

it('a mirror that fails is counted, and the original does not notice', async () => {
  const clusters = [
    cluster('empty', { endpoints: [] }),
    cluster('refused', { endpoints: [`127.0.0.1:${await refusedPort()}`] }),
  ];
  const policies = [policy({ cluster: 'empty' }), policy({ cluster: 'refused' })];
  const proxy = await mirrorProxy(policies, 0, { clusters });
  expect((await ask(proxy, get('/'))).body).toBe('main');
  await proxy.untilStat('cluster.refused.internal.upstream_rq_503', 1);
  expect(proxy.stats('cluster.empty.internal.upstream_rq_503')).toBe(1);
});

it.each([
  ['CONNECT', { method: 'CONNECT', has: () => false }],
  ['an upgrade', { method: 'GET', has: (name: string) => name === 'upgrade' }],
])('%s is not mirrored', (_name, headers) => {
  expect(chooseMirrors([policy()], headers as never, undefined as never)).toBeUndefined();
});
