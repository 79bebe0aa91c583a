/** Every exchange that a proxy must carry, for each version of HTTP on either side, with and without TLS. */
import { createHash, randomBytes } from 'node:crypto';
import type { Writable } from 'node:stream';
import type { MeshProxy } from '@mesh/core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { bytesOf, type Client, connect, type Exchange, type RequestOptions } from './client.ts';
import { AUTHORITY, metric, type Shape, startProxy } from './proxy.ts';
import { type Incoming, Upstream } from './upstream.ts';

const VERSIONS = ['h1', 'h2'] as const;
const SHAPES: Shape[] = VERSIONS.flatMap((downstream) =>
  [false, true].flatMap((tls) => VERSIONS.map((upstream) => ({ downstream, tls, upstream }))),
);
const MIB = 1024 * 1024;
/** Kernel buffers of three sockets, and what Node's own client and server hold; a stream without bound holds 64 MiB. */
const STALL_LIMIT = 24 * MIB;

const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe.each(SHAPES)('$downstream, TLS $tls → $upstream', ({ downstream, tls, upstream: version }) => {
  let upstream: Upstream;
  let proxy: MeshProxy;
  let client: Client;

  const target = () => ({ port: proxy.address('main').port, ...(tls && { ca: AUTHORITY }) });
  const send = (options?: RequestOptions, body?: Buffer | string): Exchange => {
    const exchange = client.open(options);
    exchange.body.end(body);
    return exchange;
  };
  /** Nothing of an exchange is left in the proxy. */
  const settled = () =>
    vi.waitFor(() => {
      expect(metric(proxy, 'http.ingress_http.downstream_rq_active')).toBe(0);
      expect(metric(proxy, 'cluster.upstream.upstream_rq_active')).toBe(0);
    });

  beforeAll(async () => {
    upstream = await Upstream.start(version);
    proxy = await startProxy({ downstream, tls, upstream: version }, upstream.port);
    client = connect(downstream, target());
  });
  afterEach(async () => {
    await settled();
    upstream.handler = (request) => request.respond(200).end('ok');
  });
  afterAll(async () => {
    client.close();
    await proxy.close();
    await upstream.close();
  });

  it('GET brings status, fields and body', async () => {
    let seen: unknown;
    upstream.handler = (request) => {
      seen = { method: request.method, path: request.path, headers: request.headers };
      request.respond(201, { 'x-answer': 'yes', 'set-cookie': ['a=1', 'b=2'] }).end('hello');
    };
    const exchange = send({ path: '/a?b=c', headers: { host: 'example.test', 'x-asked': 'x', cookie: 'c=1; d=2' } });
    const head = await exchange.head;
    expect(head.status).toBe(201);
    expect(head.headers).toMatchObject({ 'x-answer': 'yes', 'set-cookie': ['a=1', 'b=2'], server: 'envoy' });
    expect((await bytesOf(await exchange.response)).toString()).toBe('hello');
    expect(seen).toMatchObject({ method: 'GET', path: '/a?b=c' });
    expect(seen).toMatchObject({ headers: { host: 'example.test', 'x-asked': 'x', cookie: 'c=1; d=2' } });
    expect(seen).toMatchObject({ headers: { 'x-forwarded-proto': tls ? 'https' : 'http' } });
  });

  it.each([
    ['with its length', true],
    ['of unknown length', false],
  ])('a body %s arrives whole both ways', async (_name, declared) => {
    upstream.handler = (request) => request.body.pipe(request.respond(200));
    const body = randomBytes(2 * MIB + 13);
    const headers = declared ? { 'content-length': String(body.length) } : {};
    const exchange = client.open({ method: 'POST', headers });
    for (let at = 0; at < body.length; at += 100_000) exchange.body.write(body.subarray(at, at + 100_000));
    exchange.body.end();
    expect(sha(await bytesOf(await exchange.response))).toBe(sha(body));
  });

  it('an empty POST is complete', async () => {
    upstream.handler = async (request) => {
      const body = await bytesOf(request.body);
      request.respond(200).end(String(body.length));
    };
    expect((await bytesOf(await send({ method: 'POST' }).response)).toString()).toBe('0');
  });

  it('HEAD, 204 and 304 have no body', async () => {
    upstream.handler = (request) => request.respond(200, { 'content-length': '5' }).end();
    const head = send({ method: 'HEAD' });
    expect((await head.head).headers['content-length']).toBe('5');
    expect(await bytesOf(await head.response)).toHaveLength(0);
    for (const status of [204, 304]) {
      upstream.handler = (request) => request.respond(status).end();
      const exchange = send();
      expect((await exchange.head).status).toBe(status);
      expect(await bytesOf(await exchange.response)).toHaveLength(0);
    }
  });

  it('trailers go both ways', async () => {
    let seen: unknown;
    upstream.handler = async (request) => {
      await bytesOf(request.body);
      seen = request.trailers();
      const body = request.respond(200, {}, { 'x-checksum': 'abc' });
      body.end('data');
    };
    const exchange = client.open({ method: 'POST', headers: { te: 'trailers' }, trailers: { 'x-sum': '42' } });
    exchange.body.end('body');
    expect((await bytesOf(await exchange.response)).toString()).toBe('data');
    expect(exchange.trailers()).toMatchObject({ 'x-checksum': 'abc' });
    expect(seen).toMatchObject({ 'x-sum': '42' });
  });

  it('interim responses come before the final one', async () => {
    upstream.handler = (request) => {
      request.interim(103, { link: '</style.css>; rel=preload' });
      request.respond(200).end('ok');
    };
    const exchange = send();
    expect((await exchange.head).status).toBe(200);
    expect(exchange.interim).toEqual([103]);
    await bytesOf(await exchange.response);
  });

  it('a response before the end of the request reaches the client', async () => {
    upstream.handler = (request) => {
      request.respond(413).end('too large');
      request.body.resume();
    };
    const exchange = client.open({ method: 'POST' });
    exchange.body.on('error', () => {});
    exchange.body.write('the beginning');
    expect((await exchange.head).status).toBe(413);
    exchange.abort();
  });

  it.each([
    ['a stream that the upstream resets', (request: Incoming) => request.reset(), { 'content-length': '100' }],
    ['a connection that the upstream cuts', (request: Incoming) => request.cut(), {}],
  ] as const)('%s in the body cannot pass for a whole response', async (_name, end, headers) => {
    upstream.handler = (request) => {
      const body = request.respond(200, headers);
      body.write('half', () => end(request));
    };
    const exchange = send();
    expect((await exchange.head).status).toBe(200);
    await expect(exchange.response.then(bytesOf)).rejects.toThrow();
  });

  it('an upstream that resets before its answer is a 503', async () => {
    upstream.handler = (request) => request.reset();
    const exchange = send({ method: 'POST' }, 'x');
    expect((await exchange.head).status).toBe(503);
    await bytesOf(await exchange.response);
  });

  it('a client that leaves in its upload is seen upstream', async () => {
    let started: () => void = () => {};
    const arrived = new Promise<void>((resolve) => {
      started = resolve;
    });
    let aborted: Promise<void> = new Promise(() => {});
    upstream.handler = (request) => {
      aborted = request.aborted;
      request.body.once('data', started);
    };
    const exchange = client.open({ method: 'POST' });
    exchange.body.on('error', () => {});
    exchange.body.write('the beginning');
    await arrived;
    exchange.abort();
    await aborted;
  });

  it('a client that leaves in its download is seen upstream', async () => {
    let aborted: Promise<void> = new Promise(() => {});
    upstream.handler = (request) => {
      const body = request.respond(200);
      const timer = setInterval(() => body.write('more and more'), 5);
      aborted = request.aborted.then(() => clearInterval(timer));
    };
    const exchange = send();
    await exchange.head;
    exchange.abort();
    await aborted;
  });

  it('a client that does not read stops the upstream, and loses nothing', async () => {
    const size = 64 * MIB;
    let sent = 0;
    upstream.handler = (request) => {
      void pour(request.respond(200, { 'content-length': String(size) }), size, (bytes) => {
        sent = bytes;
      });
    };
    const exchange = send();
    await exchange.head;
    const response = await exchange.response;
    response.pause();
    await stalled(() => sent);
    expect(sent).toBeLessThan(STALL_LIMIT);
    let received = 0;
    for await (const chunk of response) received += (chunk as Buffer).length;
    expect(received).toBe(size);
  }, 30_000);

  it('an upstream that does not read stops the client, and loses nothing', async () => {
    const size = 64 * MIB;
    let read: () => void = () => {};
    upstream.handler = (request) => {
      let received = 0;
      read = () => {
        request.body.on('data', (chunk: Buffer) => {
          received += chunk.length;
        });
        request.body.on('end', () => request.respond(200).end(String(received)));
      };
    };
    const exchange = client.open({ method: 'POST', headers: { 'content-length': String(size) } });
    let sent = 0;
    void pour(exchange.body, size, (bytes) => {
      sent = bytes;
    });
    await stalled(() => sent);
    expect(sent).toBeLessThan(STALL_LIMIT);
    read();
    expect((await bytesOf(await exchange.response)).toString()).toBe(String(size));
  }, 30_000);

  it('requests side by side get their own answers', async () => {
    upstream.handler = (request) => {
      const [, nonce = '', size = '0'] = request.path.split('/');
      setImmediate(() => request.respond(200, { 'x-nonce': nonce }).end(nonce.repeat(Number(size))));
    };
    const all = Array.from({ length: 60 }, async (_, index) => {
      const nonce = `n${index}x`;
      const exchange = send({ path: `/${nonce}/${index * 97}` });
      const head = await exchange.head;
      expect(head.headers['x-nonce']).toBe(nonce);
      expect((await bytesOf(await exchange.response)).toString()).toBe(nonce.repeat(index * 97));
    });
    await Promise.all(all);
  });

  it('an upstream connection that is being closed costs no request', async () => {
    upstream.handler = (request) => {
      request.respond(200, version === 'h1' ? { connection: 'close' } : {}).end('ok');
      if (version === 'h2') upstream.goAway();
    };
    for (let i = 0; i < 10; i++) {
      const exchange = send();
      expect((await exchange.head).status).toBe(200);
      await bytesOf(await exchange.response);
    }
  });
});

describe.each(SHAPES)('drain: $downstream, TLS $tls → $upstream', ({ downstream, tls, upstream: version }) => {
  it('ends what is in flight, and tells the client to leave', async () => {
    const upstream = await Upstream.start(version);
    const proxy = await startProxy({ downstream, tls, upstream: version }, upstream.port);
    const client = connect(downstream, { port: proxy.address('main').port, ...(tls && { ca: AUTHORITY }) });
    const answers: (() => void)[] = [];
    upstream.handler = (request) => answers.push(() => request.respond(200).end('late'));
    const exchanges = Array.from({ length: 5 }, () => {
      const exchange = client.open();
      exchange.body.end();
      return exchange;
    });
    await vi.waitFor(() => expect(answers).toHaveLength(5));
    const drained = proxy.drain();
    if (downstream === 'h2') await vi.waitFor(() => expect(client.toldToLeave()).toBe(true));
    for (const answer of answers) answer();
    for (const exchange of exchanges) {
      expect((await exchange.head).status).toBe(200);
      expect((await bytesOf(await exchange.response)).toString()).toBe('late');
    }
    expect(client.toldToLeave()).toBe(true);
    await drained;
    client.close();
    await proxy.close();
    await upstream.close();
  });
});

/** Writes `size` bytes as fast as they are taken. */
async function pour(to: Writable, size: number, sent: (bytes: number) => void): Promise<void> {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  to.on('error', () => {});
  const gone = new Promise((resolve) => to.once('close', resolve));
  for (let bytes = 0; bytes < size && !to.destroyed; ) {
    bytes += chunk.length;
    const writable = to.write(chunk);
    sent(bytes);
    if (!writable) await Promise.race([new Promise((resolve) => to.once('drain', resolve)), gone]);
  }
  to.end();
}

/** Resolves when a number has stood still for a while: there is no event for bytes that do not move. */
async function stalled(value: () => number): Promise<void> {
  let last = -1;
  let still = 0;
  while (still < 10) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    still = value() === last && last > 0 ? still + 1 : 0;
    last = value();
  }
}
