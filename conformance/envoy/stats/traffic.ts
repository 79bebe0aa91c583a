/** The traffic: the same bytes to both proxies, one after the other. */
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import type { ListenerName } from './config.ts';

/** Port of a listener. */
export type PortOf = (name: ListenerName) => number;

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Plays everything; resolves when every connection of the clients is closed. */
export async function playTraffic(port: PortOf): Promise<void> {
  await plain(port('plain'));
  await talk(port('retry'), [{ path: '/first/503' }, { path: '/status/500' }, { path: '/first/200' }]);
  await talk(port('retry'), [{ path: '/reset' }]);
  await talk(port('late'), [{ path: '/slow' }]);
  await talk(port('late'), [{ path: '/try', fields: { 'x-slow': '1' } }]);
  await talk(port('broken'), [{ path: '/reset' }, { path: '/refused' }, { path: '/nobody' }]);
  await talk(port('broken'), [{ path: '/half' }]);
  await leave(port('broken'));
  await twin(port('twin'));
  await secure(port('secure'));
  await bytes(port('bytes'), 'over tcp');
  await full(port('full'));
  for (let i = 0; i < 4; i++) {
    await talk(port('ejecting'), [{ path: '/' }]);
    // In Envoy it is another thread that ejects.
    await delay(40);
  }
  await talk(port('checked'), [{ path: '/' }]);
  await talk(port('zoned'), [{ path: '/' }, { path: '/status/404' }]);
  await talk(port('filters'), [{ path: '/healthz' }, { path: '/' }]);
  await guarded(port('guarded'));
  await talk(port('proxied'), [{ path: '/' }], { before: 'PROXY TCP4 1.2.3.4 5.6.7.8 1000 2000\r\n' });
  await raw(port('proxied'), 'NOT A PROXY HEADER AT ALL, BUT LONG ENOUGH\r\n');
  await talk(port('unnamed'), [{ path: '/' }]);
}

async function plain(port: number): Promise<void> {
  await talk(port, [
    { path: '/' },
    { path: '/', method: 'POST', body: 'a body of some length' },
    { path: '/', method: 'HEAD' },
    { path: '/status/204' },
    { path: '/status/302' },
    { path: '/status/404' },
    { path: '/status/503' },
    { path: '/canary' },
    { path: '/moved' },
    { path: '/direct' },
    { path: '/nowhere' },
    { path: '/nowhere', fields: { 'x-to': 'unknown' } },
    { path: '/measured/a' },
    { path: '/measured/status/500' },
    { path: '/', fields: { host: 'other.test' } },
    { path: '/', fields: { 'x-forwarded-for': '10.0.0.1' } },
    { path: '/', fields: { 'user-agent': 'not the first request: iOS' } },
  ]);
  await talk(port, [{ path: '/', fields: { 'user-agent': 'x android y' } }]);
  await talk(port, [{ path: '/', fields: { connection: 'close' } }]);
  await talk(port, [{ path: '/ws', fields: { connection: 'upgrade', upgrade: 'websocket' } }]);
  await talk(port, [{ path: '/', fields: { connection: 'upgrade', upgrade: 'other' } }]);
  await raw(port, 'this is no http\r\n\r\n');
  await raw(port, `GET / HTTP/1.1\r\nhost: h.test\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`);
  // A connection on which nothing is said.
  await bytes(port, '');
}

/** Requests on one connection; it is closed by the client behind the last answer, unless the proxy does. */
async function talk(port: number, requests: readonly Asked[], { before = '' } = {}): Promise<void> {
  const client = await Client.connect(port, before);
  for (const asked of requests) await client.ask(asked);
  await client.end();
}

class Client {
  private readonly socket: net.Socket | tls.TLSSocket;
  private text = '';
  private ended = false;
  private wake: () => void = () => {};

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (data) => {
      this.text += data.toString('latin1');
      this.wake();
    });
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        this.ended = true;
        this.wake();
      });
    }
  }

  static async connect(port: number, before = '', secure?: tls.ConnectionOptions): Promise<Client> {
    const socket =
      secure === undefined
        ? net.connect({ port, host: '127.0.0.1' })
        : tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...secure });
    const client = new Client(socket);
    await once(socket, secure === undefined ? 'connect' : 'secureConnect').catch(() => {});
    if (before !== '') socket.write(before);
    return client;
  }

  async ask({ method = 'GET', path, fields = {}, body = '' }: Asked): Promise<void> {
    const all: Record<string, string> = { host: 'h.test', ...fields };
    if (body !== '') all['content-length'] = String(body.length);
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    this.text = '';
    this.socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
    await this.until(() => answered(this.text, method));
  }

  async until(done: () => boolean): Promise<void> {
    const deadline = Date.now() + 3000;
    while (!this.ended && !done()) {
      const left = deadline - Date.now();
      if (left <= 0) return;
      await Promise.race([new Promise<void>((resolve) => (this.wake = resolve)), delay(left)]);
    }
  }

  leave(): void {
    this.socket.resetAndDestroy();
  }

  async end(): Promise<void> {
    if (!this.socket.destroyed) {
      const closed = once(this.socket, 'close').catch(() => {});
      this.socket.end();
      this.socket.resume();
      await Promise.race([closed, delay(1000)]);
    }
    this.socket.destroy();
  }
}

/** Whether a whole answer has come. */
function answered(text: string, method: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const [head, body] = [text.slice(0, end).toLowerCase(), text.slice(end + 4)];
  if (method === 'HEAD' || / (?:204|304) /.test(head.split('\r\n')[0] ?? '')) return true;
  const length = /content-length: (\d+)/.exec(head)?.[1];
  if (length !== undefined) return body.length >= Number(length);
  return head.includes('transfer-encoding: chunked') ? body.endsWith('0\r\n\r\n') : false;
}

async function raw(port: number, text: string): Promise<void> {
  const client = await Client.connect(port, text);
  await client.until(() => false);
  await client.end();
}

/** The client leaves while its request is at the upstream. */
async function leave(port: number): Promise<void> {
  const client = await Client.connect(port, 'GET /slow HTTP/1.1\r\nhost: h.test\r\n\r\n');
  await delay(80);
  client.leave();
}

async function twin(port: number): Promise<void> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  for (const path of ['/', '/grpc/0', '/grpc/14', '/reset']) {
    const fields = {
      ':path': path,
      ':method': 'POST',
      'content-type': path.startsWith('/grpc') ? 'application/grpc' : 'a/b',
    };
    const stream = session.request(fields, { waitForTrailers: path === '/' });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': '1' }));
    stream.on('error', () => {});
    stream.resume();
    stream.end('12345');
    await once(stream, 'close').catch(() => {});
  }
  const closed = once(session, 'close').catch(() => {});
  session.close();
  await Promise.race([closed, delay(1000)]);
}

async function secure(port: number): Promise<void> {
  const options = {
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_128_GCM_SHA256',
    servername: 'a.test',
  } as const;
  const client = await Client.connect(port, '', options);
  await client.ask({ path: '/' });
  await client.ask({ path: '/status/404' });
  await client.end();
  const old = await Client.connect(port, '', {
    ...options,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    ciphers: 'ECDHE-RSA-AES128-GCM-SHA256',
  });
  await old.ask({ path: '/' });
  await old.end();
  await raw(port, 'GET / HTTP/1.1\r\n\r\n');
}

async function bytes(port: number, text: string): Promise<void> {
  const client = await Client.connect(port, text);
  let seen = 0;
  await delay(text === '' ? 30 : 60);
  seen += text.length;
  void seen;
  await client.end();
}

/** One request at a time, one may wait, the third is turned away. */
async function full(port: number): Promise<void> {
  const clients: Client[] = [];
  for (let i = 0; i < 3; i++) clients.push(await Client.connect(port));
  const asked: Promise<void>[] = [];
  for (const client of clients) {
    asked.push(client.ask({ path: '/wait' }));
    await delay(30);
  }
  await Promise.all(asked);
  for (const client of clients) await client.end();
}

async function guarded(port: number): Promise<void> {
  const first = await Client.connect(port, 'one');
  await delay(40);
  await bytes(port, 'two');
  await first.end();
  await delay(40);
  await bytes(port, 'three');
  await bytes(port, 'four');
}
