import { Agent, get as httpGet } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { ServedRequest } from './exchange.ts';
import { cluster, FakeProxy, raw, start } from './fixture.ts';

const HOST = 'host: localhost\r\n';
const CLOSE = 'connection: close\r\n\r\n';

async function ask(bytes: string): Promise<string> {
  const { port } = await start();
  return raw({ host: '127.0.0.1', port }, bytes);
}

describe('AdminServer', () => {
  it.each([
    ['HTTP/1.0', 'GET /ready HTTP/1.0\r\n\r\n', '426 Upgrade Required', 'Upgrade Required'],
    ['a request without Host', 'GET /ready HTTP/1.1\r\n\r\n', '400 Bad Request', ''],
    ['a fragment', `GET /ready#x HTTP/1.1\r\n${HOST}\r\n`, '400 Bad Request', ''],
    ['garbage', 'GARBAGE\r\n\r\n', '400 Bad Request', 'Bad Request'],
    [
      'two lengths',
      `GET / HTTP/1.1\r\n${HOST}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`,
      '400 Bad Request',
      'Bad Request',
    ],
    [
      'a head over 60 KiB',
      `GET / HTTP/1.1\r\n${HOST}x: ${'y'.repeat(62_000)}\r\n\r\n`,
      '431 Request Header Fields Too Large',
      'Request Header Fields Too Large',
    ],
  ])('refuses %s as Envoy does, and closes', async (_what, bytes, status, body) => {
    const [head = '', rest] = (await ask(bytes)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status}\r\n`));
    expect(head).toContain('\r\nconnection: close');
    expect(head).toContain('\r\nserver: envoy');
    expect(rest).toBe(body);
  });

  it.each([
    ['/rea%64y', 200],
    ['//ready', 200],
    ['/x/../ready', 200],
    ['/./ready?a=/../b', 200],
    ['/ready/', 404],
    ['/ready%3Fx', 404],
    ['/..', 200],
  ])('takes %s for the path that it is: %i', async (target, status) => {
    expect(await ask(`GET ${target} HTTP/1.1\r\n${HOST}${CLOSE}`)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it.each(['http://x/ready', '*'])('answers 404 without a word to the target %s', async (target) => {
    const answer = await ask(`OPTIONS ${target} HTTP/1.1\r\n${HOST}${CLOSE}`);
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    expect(answer).toContain('content-length: 0\r\n\r\n');
  });

  it('keeps connections open and says nothing about it, as Envoy does', async () => {
    const answer = await ask(`GET /ready HTTP/1.1\r\n${HOST}\r\nGET /ready HTTP/1.1\r\n${HOST}${CLOSE}`);
    const [first = '', second = ''] = answer.split(/(?=HTTP)/);
    expect(first.toLowerCase()).not.toContain('keep-alive');
    expect(first.toLowerCase()).not.toContain('connection:');
    expect(second).toContain('connection: close\r\n');
  });

  it('takes parameters of a form only when the URL has none', async () => {
    const { call, proxy } = await start();
    const form = { body: new URLSearchParams({ graceful: '' }) };
    await call('POST', '/drain_listeners', form);
    await call('POST', '/drain_listeners?inboundonly', form);
    expect(proxy.calls).toEqual([
      'drain {"graceful":true,"skipExit":false,"inboundOnly":false}',
      'drain {"graceful":false,"skipExit":false,"inboundOnly":true}',
    ]);
  });

  it('serves only the paths that are allowed, with their query', async () => {
    const { get, call, proxy } = await start({
      allowsPath: (target) => target === '/ready' || target.startsWith('/stats'),
    });
    expect((await get('/ready')).status).toBe(200);
    expect((await get('/stats?usedonly')).status).toBe(200);
    expect(await get('/ready?x=1')).toMatchObject({ status: 403, body: 'request to path /ready?x=1 not allowed' });
    expect((await call('POST', '/quitquitquit')).status).toBe(403);
    expect(proxy.calls).toEqual([]);
  });

  it('a client that goes away within its request is no failure of an endpoint', async () => {
    const errors: Error[] = [];
    const served: ServedRequest[] = [];
    const { port } = await start({
      onError: (error) => void errors.push(error),
      onServed: (request) => void served.push(request),
    });
    const socket = connect(port, '127.0.0.1');
    socket.write('POST /runtime_modify HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nk=');
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.destroy();
    await expect.poll(() => served.length).toBe(1);
    expect(errors).toEqual([]);
  });

  it('asks whether a path is allowed once nothing hides it any more', async () => {
    const { port, proxy } = await start({ allowsPath: (target) => target.startsWith('/stats') });
    const ask = (line: string) =>
      raw({ host: '127.0.0.1', port }, `${line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
    for (const path of ['/stats/../quitquitquit', '/stats/%2e%2e/quitquitquit', '//quitquitquit']) {
      expect(await ask(`POST ${path}`)).toMatch(
        /^HTTP\/1\.1 403 [\s\S]*\r\n\r\nrequest to path \/quitquitquit not allowed$/,
      );
    }
    expect(proxy.calls).toEqual([]);
    expect(await ask('GET //%73tats')).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('tells of every request once it is over', async () => {
    const served: ServedRequest[] = [];
    const { call } = await start({ onServed: (request) => served.push(request) });
    await call('POST', '/runtime_modify', { body: new URLSearchParams({ a: '1' }) });
    await call('GET', '/nope');
    await expect.poll(() => served.length).toBe(2);
    expect(served[0]).toMatchObject({ bytesReceived: 3, bytesSent: 3 });
    expect(served.map(({ response }) => response.statusCode)).toEqual([200, 404]);
    expect(served[0]?.durationMs).toBeGreaterThan(0);
  });

  it('makes a large answer piece by piece, only as fast as its client takes it', async () => {
    let made = 0;
    class Large extends FakeProxy {
      override context() {
        const one = cluster('c');
        function* clusters() {
          for (; made < 20_000; made++) yield { ...one, name: `cluster-${made}` };
        }
        return { ...super.context(), clusters };
      }
    }
    const { port, get } = await start({}, new Large());
    const socket = connect(port, '127.0.0.1');
    socket.pause();
    socket.write(`GET /clusters HTTP/1.1\r\n${HOST}\r\n`);
    // Others are served meanwhile; when the sockets are full no more is made.
    await expect
      .poll(async () => {
        const before = made;
        await get('/ready');
        return made > 0 && made === before;
      })
      .toBe(true);
    expect(made).toBeLessThan(15_000);
    const rest = made;
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    socket.resume();
    await expect.poll(() => made, { timeout: 5000 }).toBe(20_000);
    expect(rest).toBeLessThan(made);
    expect(bytes).toBeGreaterThan(1e6);
    socket.destroy();
  });

  it('stops making an answer when its client goes away', async () => {
    let made = 0;
    class Endless extends FakeProxy {
      override context() {
        const one = cluster('c');
        function* clusters() {
          for (;;) {
            made++;
            yield one;
          }
        }
        return { ...super.context(), clusters };
      }
    }
    const { port } = await start({}, new Endless());
    const agent = new Agent();
    await new Promise<void>((resolve) => {
      httpGet({ port, path: '/clusters?format=json', agent }, (response) => {
        response.once('data', () => {
          response.destroy();
          resolve();
        });
      });
    });
    let before = -1;
    await expect
      .poll(() => {
        const still = made === before;
        before = made;
        return still;
      })
      .toBe(true);
  });

  it('takes no more connections than it may have', async () => {
    const { port, get } = await start({ maxConnections: 1 });
    const first = connect(port, '127.0.0.1');
    await new Promise((resolve) => first.once('connect', resolve));
    await expect
      .poll(() =>
        get('/ready').then(
          () => 'served',
          () => 'refused',
        ),
      )
      .toBe('refused');
    first.destroy();
    await expect
      .poll(() =>
        get('/ready').then(
          ({ status }) => status,
          () => 'refused',
        ),
      )
      .toBe(200);
  });
});
