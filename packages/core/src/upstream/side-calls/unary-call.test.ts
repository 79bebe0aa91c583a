import { afterEach, describe, expect, it } from 'vitest';
import type { Span } from '../../api/tracer.ts';
import { Answer, cleanUp, http1Server, http2Server, refusedPort, sideCallRig, until } from './fixture.ts';

afterEach(cleanUp);

const GET = { method: 'GET', path: '/', timeoutMs: 5000 } as const;

describe.each(['http1', 'http2'] as const)('request over %s', (protocol) => {
  const settings = { protocol };

  it('sends head and body, and hands over the whole response', async () => {
    const seen: unknown[] = [];
    const port =
      protocol === 'http1'
        ? await http1Server((request, response) => {
            const chunks: Buffer[] = [];
            request.on('data', (chunk) => void chunks.push(chunk));
            request.on('end', () => {
              seen.push(
                request.method,
                request.url,
                request.headers.host,
                request.headers,
                Buffer.concat(chunks).length,
              );
              response.setHeader('x-a', ['1', '2']);
              response.end('answer');
            });
          })
        : await http2Server((stream, headers) => {
            let bytes = 0;
            stream.on('data', (chunk: Buffer) => {
              bytes += chunk.length;
            });
            stream.on('end', () => {
              seen.push(headers[':method'], headers[':path'], headers[':authority'], headers, bytes);
              stream.respond({ ':status': 200, 'x-a': ['1', '2'] }, { waitForTrailers: true });
              stream.on('wantTrailers', () => stream.sendTrailers({ 'x-t': '3' }));
              stream.end('answer');
            });
          });
    const { sideCalls, stat } = sideCallRig([port], { settings, equipment: { localIp: '192.0.2.7' } });
    const user = new Answer();
    const body = Buffer.alloc(300_000, 'x');
    sideCalls.request('c', { ...GET, method: 'POST', path: '/p?q', headers: [['x-b', '4']], body }, user);
    expect(await user.done).toBe('200 answer');
    const [method, path, authority, headers, bytes] = seen;
    expect([method, path, authority, bytes]).toEqual(['POST', '/p?q', 'c', 300_000]);
    expect(headers).toMatchObject({
      'x-b': '4',
      'content-length': '300000',
      'x-envoy-internal': 'true',
      'x-forwarded-for': '192.0.2.7',
      'x-envoy-expected-rq-timeout-ms': '5000',
    });
    expect(user.response?.header('X-A')?.replace(', ', ',')).toBe('1,2');
    expect(user.response?.header('x-none')).toBeUndefined();
    expect(user.response?.trailer('x-t')).toBe(protocol === 'http2' ? '3' : undefined);
    expect([stat('upstream_rq_200'), stat('internal.upstream_rq_2xx'), stat('upstream_rq_total')]).toEqual([1, 1, 1]);
  });

  it('times out, with the counters of the router', async () => {
    const port = protocol === 'http1' ? await http1Server(() => {}) : await http2Server(() => {});
    const { sideCalls, stat, cluster } = sideCallRig([port], { settings });
    const user = new Answer();
    sideCalls.request('c', { ...GET, timeoutMs: 30 }, user);
    expect(await user.done).toBe('timeout: the time for the call is up');
    await until(() => stat('upstream_rq_active') === 0, 'the stream to end');
    expect([stat('upstream_rq_timeout'), stat('upstream_rq_504')]).toEqual([1, 1]);
    expect(cluster.hosts[0]?.stats.rqTimeout).toBe(1);
  });

  it('gives up a response that is longer than it may be', async () => {
    const long = Buffer.alloc(200_000);
    const port =
      protocol === 'http1'
        ? await http1Server((_request, response) => void response.end(long))
        : await http2Server((stream) => {
            stream.respond({ ':status': 200 });
            stream.end(long);
          });
    const { sideCalls, stat } = sideCallRig([port], { settings });
    const user = new Answer();
    sideCalls.request('c', { ...GET, maxResponseBytes: 100_000 }, user);
    expect(await user.done).toBe('response too large: the response is longer than 100000 bytes');
    await until(() => stat('upstream_rq_active') === 0, 'the stream to end');
  });

  it('takes an answer that comes before the request is whole', async () => {
    const port =
      protocol === 'http1'
        ? await http1Server((_request, response) => void response.writeHead(413).end())
        : await http2Server((stream) => stream.respond({ ':status': 413 }, { endStream: true }));
    const { sideCalls, stat } = sideCallRig([port], { settings });
    const user = new Answer();
    sideCalls.request('c', { ...GET, method: 'POST', body: Buffer.alloc(8_000_000) }, user);
    expect(await user.done).toBe('413 ');
    await until(() => stat('upstream_rq_active') === 0, 'the stream to end');
    expect(user.calls).toBe(1);
  });

  it('tells nothing once it is cancelled', async () => {
    let asked = 0;
    const port =
      protocol === 'http1'
        ? await http1Server(() => void asked++)
        : await http2Server(() => {
            asked++;
          });
    const { sideCalls, stat } = sideCallRig([port], { settings });
    const user = new Answer();
    const call = sideCalls.request('c', GET, user);
    await until(() => asked === 1, 'the request');
    call.cancel();
    call.cancel();
    await until(() => stat('upstream_rq_active') === 0, 'the stream to end');
    expect(user.calls).toBe(0);
  });
});

describe('request', () => {
  it('tells of failures, and never before it has returned', async () => {
    const told = async (outcome: (user: Answer) => void): Promise<string> => {
      const user = new Answer();
      outcome(user);
      expect(user.calls).toBe(0);
      return user.done;
    };
    const empty = sideCallRig([]);
    expect(await told((user) => empty.sideCalls.request('none', GET, user))).toBe("no cluster: unknown cluster 'none'");
    expect(await told((user) => empty.sideCalls.request('c', GET, user))).toBe(
      "no healthy upstream: no healthy upstream in 'c'",
    );
    expect([empty.stat('upstream_rq_503'), empty.stat('upstream_cx_none_healthy')]).toEqual([1, 1]);
    const bad = { ...GET, path: '/ bad\r\n' };
    expect(await told((user) => empty.sideCalls.request('c', bad, user))).toMatch(/^protocol error: /);

    const refused = sideCallRig([await refusedPort()]);
    expect(await told((user) => refused.sideCalls.request('c', GET, user))).toMatch(/^connection failure: .*refused/);
    expect(refused.stat('upstream_rq_503')).toBe(1);

    const full = sideCallRig([await http1Server(() => {})], { thresholds: { maxRequests: 0, maxPendingRequests: 0 } });
    expect(await told((user) => full.sideCalls.request('c', GET, user))).toMatch(/^overflow: /);
  });

  it('tells of a peer that is no HTTP server and of one that hangs up', async () => {
    const port = await http1Server((request) => void request.socket.end('nonsense\r\n\r\n'));
    const { sideCalls, stat } = sideCallRig([port]);
    const user = new Answer();
    sideCalls.request('c', GET, user);
    expect(await user.done).toMatch(/^protocol error/);
    expect(stat('upstream_rq_502')).toBe(1);
    const gone = sideCallRig([await http1Server((request) => void request.socket.destroy())]);
    const other = new Answer();
    gone.sideCalls.request('c', GET, other);
    expect(await other.done).toMatch(/^reset: connection termination/);
  });

  it('is sent again when the host has refused the stream unseen', async () => {
    let asked = 0;
    const port = await http2Server((stream) => {
      asked++;
      if (asked === 1) stream.close(7);
      else {
        stream.respond({ ':status': 200 });
        stream.end('ok');
      }
    });
    const { sideCalls, stat } = sideCallRig([port], { settings: { protocol: 'http2' } });
    const user = new Answer();
    sideCalls.request('c', { ...GET, method: 'POST', body: Buffer.from('b') }, user);
    expect(await user.done).toBe('200 ok');
    expect(stat('upstream_rq_retry')).toBe(1);
  });

  it('refuses what the cluster wants no more of', async () => {
    const port = await http1Server((_request, response) => void response.end());
    const runtime = { get: () => '100', enabled: () => true, integer: () => 0, boolean: () => false };
    const { sideCalls, stat } = sideCallRig([port], { equipment: { runtime } });
    const user = new Answer();
    sideCalls.request('c', GET, user);
    expect(await user.done).toBe('overflow: maintenance mode');
    expect(stat('upstream_rq_maintenance_mode')).toBe(1);
  });

  it('costs a user that throws a log line', async () => {
    const port = await http1Server((_request, response) => void response.end());
    const { errors, sideCalls, stat } = sideCallRig([port]);
    const onResponse = () => {
      throw new Error('mine');
    };
    sideCalls.request('c', GET, { onResponse, onFailure: onResponse });
    sideCalls.request('none', GET, { onResponse, onFailure: onResponse });
    await until(() => errors.length === 2, 'the lines');
    expect(errors[0]).toContain('a user of a side call threw: Error: mine');
    expect(stat('upstream_rq_200')).toBe(1);
  });

  it('keeps a connection for the next call', async () => {
    const port = await http1Server((_request, response) => void response.end());
    const { sideCalls, stat } = sideCallRig([port]);
    for (let i = 0; i < 3; i++) {
      const user = new Answer();
      sideCalls.request('c', GET, user);
      await user.done;
    }
    expect([stat('upstream_cx_total'), stat('upstream_rq_total')]).toEqual([1, 3]);
  });
});

describe('the span of a request', () => {
  function recorder() {
    const tags: [string, string][] = [];
    const spans: unknown[] = [];
    let finished = 0;
    const child = {
      setTag: (name: string, value: string) => void tags.push([name, value]),
      inject: (headers: { set(name: string, value: string): void }) => headers.set('traceparent', 'ctx'),
      finish: () => void finished++,
    };
    const startChild = (start: object) => {
      spans.push(start);
      return child as unknown as Span;
    };
    return { tags, spans, parent: { startChild } as unknown as Span, finished: () => finished };
  }

  it('is below its parent, injected, and has the tags of Envoy', async () => {
    let injected: unknown;
    const port = await http1Server((request, response) => {
      injected = request.headers.traceparent;
      response.end();
    });
    const { sideCalls } = sideCallRig([port]);
    const { parent, spans, tags, finished } = recorder();
    const user = new Answer();
    sideCalls.request('c', { ...GET, parent }, user);
    await user.done;
    expect(injected).toBe('ctx');
    expect(spans).toMatchObject([{ operation: 'async c egress', kind: 'client' }]);
    const peer = `127.0.0.1:${port}`;
    expect(tags).toEqual([
      ['http.protocol', 'HTTP/1.1'],
      ['upstream_address', peer],
      ['peer.address', peer],
      ['component', 'proxy'],
      ['upstream_cluster', 'c'],
      ['upstream_cluster.name', 'c'],
      ['http.status_code', '200'],
      ['response_flags', '-'],
    ]);
    expect(finished()).toBe(1);
  });

  it.each([
    ['a failure', (rig: ReturnType<typeof sideCallRig>) => rig.cluster.update([]), '503', 'UH', 'http.protocol', '-'],
    ['a cancelled call', () => {}, '0', '-', 'canceled', 'true'],
  ])('tells of %s', async (what, prepare, status, flag, name, value) => {
    const rig = sideCallRig([await http1Server(() => {})]);
    prepare(rig);
    const { parent, tags, finished } = recorder();
    const user = new Answer();
    const call = rig.sideCalls.request('c', { ...GET, parent }, user);
    if (what === 'a cancelled call') call.cancel();
    else await user.done;
    expect(Object.fromEntries(tags)).toMatchObject({
      'http.status_code': status,
      response_flags: flag,
      error: 'true',
      [name]: value,
    });
    expect(finished()).toBe(1);
  });

  it('may throw at every call: the exchange goes on, and the log tells of it', async () => {
    const broken = () => {
      throw new Error('broken');
    };
    const child = { setTag: broken, inject: broken, finish: broken } as unknown as Span;
    const rig = sideCallRig([await http1Server((_request, response) => void response.end('fine'))]);
    for (const startChild of [broken, () => child]) {
      const user = new Answer();
      rig.sideCalls.request('c', { ...GET, parent: { startChild } as unknown as Span }, user);
      await user.done;
      expect(user.response?.status).toBe(200);
    }
    // It could not be made; then: inject, tags.
    expect(rig.errors.map((line) => line.split('\n')[0])).toEqual(Array(3).fill('a tracer threw: Error: broken'));
  });
});
