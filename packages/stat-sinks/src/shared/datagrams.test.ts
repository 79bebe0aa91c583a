import { createSocket } from 'node:dgram';
import { until } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { Datagrams } from './datagrams.ts';
import { Receiver } from './fixture.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Lost {
  lines: number;
  failures: number;
}

function sender(port: number, address = '127.0.0.1', maxQueued?: number): { datagrams: Datagrams; lost: Lost } {
  const lost: Lost = { lines: 0, failures: 0 };
  const counts = {
    dropped: (lines: number): void => void (lost.lines += lines),
    failed: (): void => void lost.failures++,
  };
  const datagrams = new Datagrams({ address, port, counts, ...(maxQueued === undefined ? {} : { maxQueued }) });
  closing.push(() => datagrams.close());
  return { datagrams, lost };
}

async function receiver(host?: string): Promise<Receiver> {
  const made = await Receiver.open(host);
  closing.push(() => made.close());
  return made;
}

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

describe('Datagrams', () => {
  it.each(['127.0.0.1', '::1'])('delivers in order to %s', async (host) => {
    const to = await receiver(host);
    const { datagrams, lost } = sender(to.port, host);
    const sent = Array.from({ length: 300 }, (_, index) => `line ${index}`);
    for (const text of sent) datagrams.send(text);
    await until(() => to.received.length === 300, 'all datagrams');
    expect(to.received).toEqual(sent);
    expect(lost).toEqual({ lines: 0, failures: 0 });
  });

  it('counts refusals of a closed port and goes on', async () => {
    const { datagrams, lost } = sender(await closedPort());
    await until(() => {
      datagrams.send('a');
      return lost.failures > 3;
    }, 'refusals');
    expect(datagrams.waiting).toBeLessThan(10);
  });

  it('reaches a receiver that comes later', async () => {
    const to = await receiver();
    const { port } = to;
    await to.close();
    closing.pop();
    const { datagrams, lost } = sender(port);
    await until(() => {
      datagrams.send('early');
      return lost.failures > 0;
    }, 'a refusal');
    const socket = createSocket('udp4');
    closing.push(() => new Promise((resolve) => socket.close(() => resolve())));
    const seen: string[] = [];
    socket.on('message', (message) => void seen.push(message.toString()));
    await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve));
    await until(() => {
      datagrams.send('late');
      return seen.includes('late');
    }, 'a datagram');
  });

  it('holds back a bounded number and counts the lines of the rest', async () => {
    const to = await receiver();
    const { datagrams, lost } = sender(to.port, '127.0.0.1', 10);
    for (let sent = 0; sent < 25; sent++) datagrams.send('a\nb');
    expect(datagrams.waiting).toBe(10);
    expect(lost.lines).toBe(30);
    await until(() => to.received.length === 10, 'what was held');
  });

  it('drops what waits when there is no way to the address', async () => {
    // A multicast-scoped address without an interface: connecting fails at once.
    const { datagrams, lost } = sender(9, 'fe80::1');
    datagrams.send('a\nb');
    await until(() => lost.lines === 2, 'the drop');
    datagrams.send('c');
    await until(() => lost.lines === 3, 'the next drop');
    expect(lost.failures).toBeGreaterThan(0);
  });

  it('sends what waits before it closes', async () => {
    const to = await receiver();
    const { datagrams } = sender(to.port);
    for (let sent = 0; sent < 200; sent++) datagrams.send('x');
    await datagrams.close();
    datagrams.send('too late');
    await until(() => to.received.length === 200, 'all datagrams');
    expect(to.received).not.toContain('too late');
  });
});
