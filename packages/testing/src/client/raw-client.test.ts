import { once } from 'node:events';
import net from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { until } from '../signal.ts';
import { type RawClient, rawClient } from './raw-client.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function connect(): Promise<{ client: RawClient; peer: net.Socket }> {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[net.Socket]>;
  const client = await rawClient((server.address() as net.AddressInfo).port);
  const [peer] = await accepted;
  peer.on('error', () => {});
  cleanups.push(
    () => server.close(),
    () => peer.destroy(),
    () => client.socket.destroy(),
  );
  return { client, peer };
}

it('RawClient.sendBytewise sends each byte by itself', async () => {
  const { client, peer } = await connect();
  const sizes: number[] = [];
  peer.on('data', (chunk: Buffer) => sizes.push(chunk.length));
  await client.sendBytewise('hello');
  client.end();
  await once(peer, 'end');
  expect(sizes.reduce((sum, size) => sum + size)).toBe(5);
  expect(sizes.length).toBeGreaterThan(1);
});

it('RawClient.readUntil and read leave the rest for later', async () => {
  const { client, peer } = await connect();
  peer.write('one\r\ntwo');
  expect(await client.readUntil('\r\n')).toBe('one\r\n');
  expect((await client.read(2)).toString()).toBe('tw');
  expect(client.received).toBe('o');
});

it('RawClient.readUntil tells what came instead', async () => {
  const { client, peer } = await connect();
  peer.end('short');
  await expect(client.readUntil('\r\n')).rejects.toThrow('received "short"');
});

it('RawClient.end sends FIN and goes on reading', async () => {
  const { client, peer } = await connect();
  peer.on('data', () => {});
  peer.on('end', () => peer.end('bye'));
  client.end();
  expect((await client.readToEnd()).toString()).toBe('bye');
  expect((await client.closed).error).toBeUndefined();
});

it('RawClient.reset sends RST', async () => {
  const { client, peer } = await connect();
  peer.on('data', () => {});
  const failed = once(peer, 'error') as Promise<[NodeJS.ErrnoException]>;
  client.reset();
  expect((await failed)[0].code).toBe('ECONNRESET');
});

it('RawClient.readResponse fails when the connection is reset within it', async () => {
  const { client, peer } = await connect();
  peer.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n12');
  const response = client.readResponse();
  await until(() => client.bytesRead > 0, 'the first bytes');
  peer.resetAndDestroy();
  await expect(response).rejects.toThrow(/ECONNRESET/);
});
