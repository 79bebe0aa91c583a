import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProxy, defineTerminalHttpFilter, http, listener, type MeshProxy, route } from '@mesh/core';
import { testFilter } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { tapFilterConfig } from './config.ts';
import { tap } from './index.ts';

let proxy: MeshProxy;
const clients: { destroy(): void }[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.close();
});

/** Answers when it has the whole request. */
const hello = defineTerminalHttpFilter({
  name: 'test.filters.http.hello',
  config: z.object({}),
  create: () => ({
    onRequestHeaders: (_headers, stream, _state, end) => (end ? stream.reply(200, 'hello') : undefined),
    onRequestData: (_chunk, stream, _state, end) => (end ? stream.reply(200, 'hello') : undefined),
  }),
});

const filter = (configId: string) => tap({ commonConfig: { adminConfig: { configId } } });
const plain = (name: string, filters: readonly ReturnType<typeof tap>[]) =>
  listener({
    name,
    host: '127.0.0.1',
    port: 0,
    http: http({
      statPrefix: name,
      routes: [route('/', undefined, { directResponse: { status: 200, body: { inlineString: 'hello' } } })],
      filters: [...filters, hello()],
    }),
  });

async function start(...filters: ReturnType<typeof tap>[]): Promise<void> {
  proxy = await createProxy({ admin: { port: 0 }, listeners: [plain('l', filters)] });
  await proxy.start();
}

const adminPort = () => (proxy.adminAddress as { readonly port: number }).port;
const get = async (path = '/') => (await fetch(`http://127.0.0.1:${proxy.address('l').port}${path}`)).text();
const counter = (name: string) => [...proxy.stats.counters()].find((one) => one.name === name)?.value;

const gauge = (name: string) => [...proxy.stats.gauges()].find((one) => one.name === name)?.value;

const ask = (id: string, sink = 'streaming_admin: {}', more = '') =>
  `{config_id: ${id}, tap_config: {match: {any_match: true}, output_config: {sinks: [{${sink}}]${more}}}}`;

interface Client {
  readonly status: number;
  text: string;
  ended: boolean;
  leave(): void;
  readonly response: IncomingMessage;
}

function attach(body: string, headers: Record<string, string> = {}): Promise<Client> {
  return new Promise((resolve, reject) => {
    const call = request({ port: adminPort(), method: 'POST', path: '/tap', headers, agent: false }, (response) => {
      const client = {
        status: response.statusCode ?? 0,
        text: '',
        ended: false,
        leave: () => call.destroy(),
        response,
      };
      response.setEncoding('utf8').on('data', (text: string) => {
        client.text += text;
      });
      response.on('end', () => {
        client.ended = true;
      });
      response.on('error', () => {});
      resolve(client);
    });
    clients.push(call);
    call.on('error', reject).end(body);
  });
}

const paths = ({ text }: Client) => [...text.matchAll(/":path",\s*"value": "([^"]*)"/g)].map(([, path]) => path);

describe('tap', () => {
  it('shows requests to whoever is attached, and to nobody else', async () => {
    await start(filter('one'));
    await get('/before');
    const client = await attach(ask('one'));
    expect(client.status).toBe(200);
    await get('/a');
    await get('/b');
    await expect.poll(() => paths(client)).toEqual(['/a', '/b']);
    client.leave();
    await expect.poll(async () => (await attach(ask('one'))).status).toBe(200);
    expect(counter('http.l.tap.rq_tapped')).toBe(2);
  });

  it('without a tap filter there is no /tap; with a static one neither', async () => {
    await start(
      tap({
        commonConfig: {
          staticConfig: {
            match: { anyMatch: true },
            outputConfig: { sinks: [{ filePerTap: { pathPrefix: '/dev/null/x' } }] },
          },
        },
      }),
    );
    const client = await attach(ask('one'));
    expect(client.status).toBe(404);
    expect(await (await fetch(`http://127.0.0.1:${adminPort()}/help`)).text()).not.toContain('/tap');
    // A file that cannot be written costs a counter.
    expect(await get()).toBe('hello');
    await expect.poll(() => counter('http.l.tap.traces_dropped')).toBe(1);
  });

  it('is in /help, takes POST only, and nothing from foreign pages', async () => {
    await start(filter('one'));
    const url = `http://127.0.0.1:${adminPort()}`;
    expect(await (await fetch(`${url}/help`)).text()).toContain('  /tap (POST): tap filter control\n');
    expect((await fetch(`${url}/tap`)).status).toBe(405);
    expect((await attach(ask('one'), { origin: 'http://evil.example' })).status).toBe(403);
    expect((await attach(ask('one'), { host: 'evil.example' })).status).toBe(403);
    expect((await attach(ask('two'))).status).toBe(400);
    expect((await attach(ask('one'))).status).toBe(200);
  });

  it('goes on after an update of the listener, and is gone with the last filter of its id', async () => {
    await start();
    await proxy.listeners.set(plain('m', [filter('one')]));
    const client = await attach(ask('one'));
    await proxy.listeners.set(plain('m', [filter('one'), filter('two')]));
    await (await fetch(`http://127.0.0.1:${proxy.address('m').port}/new`, { headers: { connection: 'close' } })).text();
    await expect.poll(() => paths(client)).toEqual(['/new']);
    client.leave();
    await proxy.listeners.remove('m');
    await expect.poll(async () => (await attach(ask('one'))).status).toBe(404);
  });

  it('a client that does not read holds nobody up, and misses traces', async () => {
    await start(filter('one'));
    const client = await attach(ask('one', 'streaming_admin: {}', ', max_buffered_rx_bytes: 2000000'));
    client.response.pause();
    const port = proxy.address('l').port;
    const body = Buffer.alloc(1_000_000, 'x');
    for (let n = 0; n < 25; n++) {
      const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body });
      expect(await answer.text()).toBe('hello');
    }
    const dropped = counter('http.l.tap.traces_dropped') ?? 0;
    expect(dropped).toBeGreaterThan(0);
    expect(counter('http.l.tap.rq_tapped')).toBe(25);
    client.response.resume();
    await expect.poll(() => paths(client).length, { timeout: 10_000 }).toBe(25 - dropped);
  });

  it('shows a request that its client gives up without a response', async () => {
    await start(filter('one'));
    const client = await attach(ask('one'));
    const call = request({ port: proxy.address('l').port, method: 'POST', path: '/gone', agent: false });
    call.on('error', () => {}).write('part');
    await expect.poll(() => gauge('http.l.downstream_rq_active')).toBe(1);
    call.destroy();
    await expect.poll(() => paths(client)).toEqual(['/gone']);
    expect(client.text).not.toContain('"response"');
  });

  it('buffered_admin ends the answer', async () => {
    await start(filter('one'));
    const client = await attach(ask('one', 'buffered_admin: {max_traces: 2}'));
    await get('/a');
    expect(client.text).toBe('');
    await get('/b');
    await expect.poll(() => client.ended).toBe(true);
    expect(paths(client)).toEqual(['/a', '/b']);
  });

  it('an attached client does not hold up the end of the proxy', async () => {
    await start(filter('one'));
    const client = await attach(ask('one'));
    const began = performance.now();
    await proxy.close();
    expect(performance.now() - began).toBeLessThan(900);
    await expect.poll(() => client.ended).toBe(true);
  });

  it('writes a file for each stream, pieces one after the other', async () => {
    await start();
    const folder = await mkdtemp(join(tmpdir(), 'tap-'));
    const t = testFilter(
      tap({
        commonConfig: {
          staticConfig: {
            match: { httpRequestHeadersMatch: { headers: [{ name: 'x-tap', presentMatch: true }] } },
            outputConfig: {
              sinks: [{ format: 'JSON_BODY_AS_STRING', filePerTap: { pathPrefix: join(folder, 't') } }],
              streaming: true,
            },
          },
        },
      }),
    );
    await t.request({});
    await t.request({ headers: { 'x-tap': '' }, method: 'POST', body: ['ab', 'c'], upstream: { body: 'ok' } });
    let text = '';
    await expect
      .poll(async () => {
        const [file = ''] = await readdir(folder);
        if (file !== '') text = await readFile(join(folder, file), 'utf8');
        return [...text.matchAll(/"((?:request|response)_\w+)"/g)].map(([, piece]) => piece);
      })
      .toEqual([
        'request_headers',
        'request_body_chunk',
        'request_body_chunk',
        'response_headers',
        'response_body_chunk',
      ]);
    expect(await readdir(folder)).toEqual([expect.stringMatching(/^t_\d+\.json$/)]);
    expect(text).toContain('"as_string": "ab"');
    expect(t.stats('http.ingress_http.tap.rq_tapped')).toBe(1);
    await rm(folder, { recursive: true });
  });

  it.each([
    ['streamingAdmin', {}, 'StreamingAdmin'],
    ['bufferedAdmin', { maxTraces: 1 }, 'BufferedAdmin'],
  ])('a static config with %s is refused in Envoy words', async (sink, value, name) => {
    await start();
    const config = { match: { anyMatch: true }, outputConfig: { sinks: [{ [sink]: value }] } };
    const { error } = tapFilterConfig.safeParse({ commonConfig: { staticConfig: config } });
    expect(error?.message).toContain(
      `Output sink type ${name} requires that the admin output will be configured via admin`,
    );
  });
});
