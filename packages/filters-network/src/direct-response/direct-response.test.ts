import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type LiveProxy, rawClient, type StartProxyOptions, startProxy } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { directResponse } from './index.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function live(options: StartProxyOptions): Promise<LiveProxy> {
  const proxy = await startProxy(options);
  cleanups.push(() => proxy.close());
  return proxy;
}

async function answerOf(proxy: LiveProxy, send = ''): Promise<Buffer> {
  const client = await rawClient(proxy.port);
  if (send !== '') client.socket.write(send);
  const bytes = await client.readToEnd();
  client.end();
  expect((await client.closed).error).toBeUndefined();
  return bytes;
}

describe('directResponse', () => {
  it('writes the text and closes, without waiting for the client', async () => {
    const proxy = await live({ networkFilters: [directResponse({ response: { inlineString: 'go away\n' } })] });
    expect((await answerOf(proxy)).toString()).toBe('go away\n');
    await proxy.untilStat(`listener.127.0.0.1_0.downstream_cx_active`, 0);
  });

  it('writes bytes', async () => {
    const proxy = await live({ networkFilters: [directResponse({ response: { inlineBytes: 'AP8K' } })] });
    expect([...(await answerOf(proxy))]).toEqual([0, 255, 10]);
  });

  it('writes a file, read when the config is loaded', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'mesh-direct-'));
    cleanups.push(() => rm(folder, { recursive: true }));
    const filename = path.join(folder, 'answer');
    await writeFile(filename, 'from a file');
    const proxy = await live({ networkFilters: [directResponse({ response: { filename } })] });
    await writeFile(filename, 'changed');
    expect((await answerOf(proxy)).toString()).toBe('from a file');
  });

  it('delivers a long answer whole', async () => {
    const text = 'mesh'.repeat(250_000);
    const proxy = await live({ networkFilters: [directResponse({ response: { inlineString: text } })] });
    expect((await answerOf(proxy)).length).toBe(1_000_000);
  });

  it('closes at once without a response', async () => {
    const proxy = await live({ networkFilters: [directResponse({})] });
    expect((await answerOf(proxy)).length).toBe(0);
  });

  it('has a YAML door', async () => {
    const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
    const typed_config = {
      '@type': 'type.googleapis.com/envoy.extensions.filters.network.direct_response.v3.Config',
      response: { inline_string: 'yaml' },
    };
    const filters = [{ name: 'envoy.filters.network.direct_response', typed_config }];
    const listeners = [{ name: 'l', address, filter_chains: [{ filters }] }];
    const proxy = await live({ extensions: [directResponse], config: { static_resources: { listeners } } });
    expect((await answerOf(proxy)).toString()).toBe('yaml');
  });

  it('refuses a source that is none, or two', () => {
    expect(() => directResponse({ response: {} })).toThrow(/response: needs one of filename/);
    expect(() => directResponse({ response: { inlineString: 'a', filename: 'b' } })).toThrow(
      /response.inline_?[sS]tring: only one of/,
    );
  });
});
