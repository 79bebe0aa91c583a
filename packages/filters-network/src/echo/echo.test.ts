import { defineNetworkFilter, type NetworkConnection, STOP } from '@mesh/core';
import {
  type LiveProxy,
  type RawClient,
  rawClient,
  type StartProxyOptions,
  startProxy,
  turn,
  until,
} from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { echo } from './index.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function live(networkFilters: StartProxyOptions['networkFilters']): Promise<LiveProxy> {
  const proxy = await startProxy({ networkFilters: networkFilters ?? [] });
  cleanups.push(() => proxy.close());
  return proxy;
}

async function connect(proxy: LiveProxy): Promise<RawClient> {
  const client = await rawClient(proxy.port);
  cleanups.push(() => client.socket.destroy());
  return client;
}

/** Resolves when a value has not moved for many turns of the event loop. */
async function standstill(value: () => number): Promise<void> {
  for (let before = -1; before !== value(); ) {
    before = value();
    for (let i = 0; i < 200; i++) await turn();
  }
}

type Hooks = ReturnType<Parameters<typeof defineNetworkFilter>[0]['create']>;
const filter = (hooks: Hooks, name = 'test') =>
  defineNetworkFilter({ name, config: z.object({}), create: () => hooks })();

describe('echo', () => {
  it('writes back what it reads', async () => {
    const client = await connect(await live([echo()]));
    await client.send('hello');
    expect((await client.read(5)).toString()).toBe('hello');
    await client.send(Buffer.of(0, 255, 10));
    expect([...(await client.read(3))]).toEqual([0, 255, 10]);
  });

  it('ends when the client has ended, and not before everything is back', async () => {
    const client = await connect(await live([echo()]));
    const bytes = Buffer.alloc(300_000, 'mesh');
    void client.send(bytes);
    client.end();
    expect((await client.readToEnd()).equals(bytes)).toBe(true);
    expect((await client.closed).error).toBeUndefined();
  });

  it('stops reading from a client that does not read, and goes on when it does', async () => {
    const proxy = await live([echo()]);
    const client = await connect(proxy);
    client.pause();
    const chunk = Buffer.alloc(65_536, 'x');
    const total = 256 * chunk.length;
    let sent = 0;
    const send = async () => {
      for (; sent < total; sent += chunk.length) await client.send(chunk);
    };
    const sending = send();
    await standstill(() => sent);
    expect(sent).toBeLessThan(total);
    client.resume();
    await client.read(total);
    await sending;
  });

  it('has a YAML door', async () => {
    const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
    const typed_config = { '@type': 'type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo' };
    const filters = [{ name: 'envoy.filters.network.echo', typed_config }];
    const proxy = await startProxy({
      extensions: [echo],
      config: { static_resources: { listeners: [{ name: 'l', address, filter_chains: [{ filters }] }] } },
    });
    cleanups.push(() => proxy.close());
    const client = await connect(proxy);
    await client.send('yaml');
    expect((await client.read(4)).toString()).toBe('yaml');
  });
});

describe('a chain before echo', () => {
  it('a filter that stops keeps bytes back until it continues', async () => {
    let connection: NetworkConnection | undefined;
    let bytes = 0;
    const counting = filter({
      onData(chunk, from) {
        bytes += chunk.length;
        if (connection !== undefined) return;
        connection = from;
        return STOP;
      },
    });
    const client = await connect(await live([counting, echo()]));
    await client.send('abc');
    await until(() => connection !== undefined, 'the first bytes');
    await client.send('def');
    for (let i = 0; i < 20; i++) await turn();
    expect([bytes, client.bytesRead]).toEqual([3, 0]);
    connection?.continueReading();
    expect((await client.read(6)).toString()).toBe('abcdef');
    expect(bytes).toBe(6);
  });

  it('a filter that stops the connection is asked before later ones see it', async () => {
    const seen: string[] = [];
    let first: NetworkConnection | undefined;
    const a = filter(
      {
        onConnection(connection) {
          seen.push('a');
          first = connection;
          return STOP;
        },
      },
      'a',
    );
    const b = filter({ onConnection: () => void seen.push('b'), onData: () => void seen.push('b data') }, 'b');
    const client = await connect(await live([a, b, echo()]));
    await client.send('x');
    await until(() => first !== undefined, 'the connection');
    for (let i = 0; i < 20; i++) await turn();
    expect(seen).toEqual(['a']);
    first?.continueReading();
    expect((await client.read(1)).toString()).toBe('x');
    expect(seen).toEqual(['a', 'b', 'b data']);
  });

  it('the end that came while stopped is passed on', async () => {
    let connection: NetworkConnection | undefined;
    const stop = filter({
      onConnection(from) {
        connection = from;
        return STOP;
      },
    });
    const client = await connect(await live([stop, echo()]));
    await client.send('last words');
    client.end();
    await until(() => connection !== undefined, 'the connection');
    for (let i = 0; i < 20; i++) await turn();
    connection?.continueReading();
    expect((await client.readToEnd()).toString()).toBe('last words');
  });

  it('write hooks see outgoing bytes in reverse order, and the end', async () => {
    const seen: string[] = [];
    const writer = (name: string) =>
      filter(
        { onWrite: (chunk, _c, _s, end) => void seen.push(`${name} ${Buffer.from(chunk)}${end ? ' end' : ''}`) },
        name,
      );
    const client = await connect(await live([writer('a'), writer('b'), echo()]));
    await client.send('hi');
    await client.read(2);
    client.end();
    await client.readToEnd();
    expect(seen).toEqual(['b hi', 'a hi', 'b  end', 'a  end']);
  });

  it('each connection has its own state', async () => {
    const counter = defineNetworkFilter({
      name: 'counter',
      config: z.object({}),
      newState: () => ({ bytes: 0 }),
      create: () => ({
        onData(chunk, connection, state, end) {
          state.bytes += chunk.length;
          if (end) connection.write(`${state.bytes} bytes`, true);
        },
      }),
      terminal: true,
    });
    const proxy = await live([counter()]);
    const texts = await Promise.all(
      ['a', 'bcd'].map(async (text) => {
        const client = await connect(proxy);
        await client.send(text);
        client.end();
        return (await client.readToEnd()).toString();
      }),
    );
    expect(texts).toEqual(['1 bytes', '3 bytes']);
  });

  it.each(['onConnection', 'onData', 'onWrite', 'onClose'] as const)(
    'a filter that throws in %s costs its own connection only',
    async (hook) => {
      let broken = true;
      const faulty = filter(
        {
          [hook]() {
            if (!broken) return;
            broken = false;
            throw new Error('oops');
          },
        } as Hooks,
        'faulty',
      );
      const proxy = await live([faulty, echo()]);
      const victim = await connect(proxy);
      victim.socket.on('error', () => {});
      await victim.send('x');
      if (hook === 'onClose') await victim.read(1);
      victim.end();
      await victim.closed;
      await until(() => proxy.logs.length > 0, 'the log line');
      expect(proxy.logs[0]?.message).toContain('network filter faulty failed: Error: oops');
      const other = await connect(proxy);
      await other.send('fine');
      expect((await other.read(4)).toString()).toBe('fine');
    },
  );

  it('onClose comes once for every connection that was opened', async () => {
    let open = 0;
    let closed = 0;
    const watch = filter({ onConnection: () => void open++, onClose: () => void closed++ });
    const proxy = await live([watch, echo()]);
    const [first, second] = [await connect(proxy), await connect(proxy)];
    await until(() => open === 2, 'two connections');
    first.end();
    second.reset();
    await until(() => closed === 2, 'two closes');
    expect([open, closed]).toEqual([2, 2]);
  });
});
