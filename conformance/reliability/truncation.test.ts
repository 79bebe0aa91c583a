import type net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from './answers.ts';
import { Client, get } from './client.ts';
import { ProxyProcess } from './proxy.ts';
import { OK, Upstream } from './upstream.ts';

const HEAD = 'HTTP/1.1 200 OK\r\n';
const PART = 'x'.repeat(1000);

/** First parts of answers, by path. */
const PARTS: Readonly<Record<string, string>> = {
  '/length': `${HEAD}Content-Length: 5000\r\n\r\n${PART}`,
  '/length-nothing': `${HEAD}Content-Length: 5000\r\n\r\n`,
  '/chunked': `${HEAD}Transfer-Encoding: chunked\r\n\r\n3e8\r\n${PART}\r\n`,
  '/chunked-in-chunk': `${HEAD}Transfer-Encoding: chunked\r\n\r\n7d0\r\n${PART}`,
  '/chunked-last-missing': `${HEAD}Transfer-Encoding: chunked\r\n\r\n3e8\r\n${PART}\r\n0\r\n`,
  '/until-close': `${HEAD}\r\n${PART}`,
};

/** Paths are `<part>?<how it ends>`. */
function answer(socket: net.Socket, head: string): void {
  const [path = '', how] = (head.split(' ')[1] as string).split('?');
  const part = PARTS[path];
  if (part === undefined) socket.write(OK);
  else socket.write(part, () => (how === 'RST' ? socket.resetAndDestroy() : socket.end()));
}

describe('an upstream that dies in the middle of a response', () => {
  let upstream: Upstream;
  let proxy: ProxyProcess;

  beforeAll(async () => {
    upstream = await Upstream.start(answer);
    proxy = await ProxyProcess.start({ upstreamPorts: [upstream.port] });
  });

  afterAll(async () => {
    await proxy.stop();
    await upstream.close();
  });

  async function ask(path: string): Promise<Answer> {
    const client = await Client.connect(proxy.port);
    try {
      return await client.exchange(get(path));
    } finally {
      client.destroy();
    }
  }

  const cut = Object.keys(PARTS).flatMap((path) => [`${path}?RST`, `${path}?FIN`]);

  it.each(cut.filter((path) => path !== '/until-close?FIN'))('client of %s can tell that it was cut', async (path) => {
    const { status, whole } = await ask(path);
    expect({ status, whole }).toEqual({ status: 200, whole: false });
  });

  it('client of a body that ends with the connection gets all of it', async () => {
    expect(await ask('/until-close?FIN')).toMatchObject({ status: 200, whole: true, body: PART });
  });

  it('proxy serves the next request on a new connection at once', async () => {
    for (const path of cut) {
      await ask(path);
      const started = performance.now();
      expect(await ask('/fine')).toMatchObject({ status: 200, whole: true, body: 'ok' });
      expect(performance.now() - started).toBeLessThan(1000);
    }
  });

  it('proxy charges what was cut', async () => {
    const { counters } = await proxy.measure();
    expect(counters['http.ingress_http.downstream_rq_tx_reset']).toBeGreaterThan(0);
    expect(counters['cluster.upstream.upstream_cx_destroy_remote_with_active_rq']).toBeGreaterThan(0);
  });
});
