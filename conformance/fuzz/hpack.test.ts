/**
 * HPACK against nghttp2, which node:http2 is made of: what our encoder writes must be read there as it was meant, and of
 * damaged blocks both must say the same, that they are malformed or that they are not.
 */
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { BlockWriter, HpackDecoder, HpackEncoder } from '@mesh/core/engine';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AttackClient } from '../floods/attack-client.ts';
import { headers, indexedField, literal, requestBlock } from '../floods/frames.ts';
import { runs, seed, timeoutMs } from './runs.ts';

const COMPRESSION_ERROR = 9;
const RUNS = runs(200);

let server: http2.Http2Server;
let port: number;
/** Heads in the order in which nghttp2 read them, by connection. */
const heads: string[][][] = [];
const sessions: http2.Http2Session[] = [];

beforeAll(async () => {
  server = http2.createServer();
  server.on('session', (session) => {
    const own: string[][] = [];
    heads.push(own);
    session.on('stream', (stream: http2.ServerHttp2Stream, _headers: unknown, _flags: number, raw: string[]) => {
      own.push(raw);
      stream.on('error', () => {});
      stream.respond({ ':status': 204 }, { endStream: true });
    });
    session.on('error', () => {});
    sessions.push(session);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});

afterAll(() => {
  // After a GOAWAY node leaves it to the client to close.
  for (const session of sessions) session.destroy();
  return new Promise((resolve) => server.close(resolve));
});

const NAMES = [
  'accept',
  'x-request-id',
  'user-agent',
  'x-a',
  'x-b',
  'grpc-timeout',
  'cache-control',
  'x-forwarded-for',
];
const value = fc.oneof(
  fc.constantFrom('', 'a', 'gzip, deflate', '*/*', 'x'.repeat(300)),
  fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/),
);
const fields = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...NAMES), fc.stringMatching(/^x-[a-z]{1,4}$/)), value), {
  maxLength: 10,
});

it('HpackEncoder writes what nghttp2 reads as it was meant', { timeout: timeoutMs }, async () => {
  const requests = fc.sample(fields, { numRuns: RUNS, seed });
  const encoder = new HpackEncoder(400);
  const out = new BlockWriter();
  const client = await AttackClient.connect(port);
  const expected = requests.map((each, i) => {
    const head: [string, string][] = [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':authority', 'a'],
      [':path', `/${i}`],
      ...each,
    ];
    out.reset();
    encoder.begin(out);
    for (const [name, text] of head) encoder.field(out, name, text);
    client.send(headers(2 * i + 1, Buffer.from(out.bytes.subarray(0, out.length))));
    return head.flat();
  });
  const { goAway } = await client.settleOrGoAway();
  client.close();
  expect(goAway).toBeUndefined();
  expect(heads.at(-1)).toEqual(expected);
});

it('HpackDecoder finds the same blocks malformed as nghttp2', { timeout: timeoutMs }, async () => {
  const field = fc.oneof(
    fc.tuple(fc.constantFrom('x-a', 'x-b'), fc.constantFrom('', '1', 'abc'), fc.boolean()).map((of) => literal(...of)),
    fc.integer({ min: 1, max: 70 }).map(indexedField),
    fc.constantFrom('20', '3f45', '3fe11f', '3fe21f', '80', '0481ff', '04811f', '048218ff', 'ff80808000').map(fromHex),
    fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
  );
  const blocks = fc
    .tuple(fc.boolean(), fc.array(field, { minLength: 1, maxLength: 5 }))
    .map(([whole, parts]) => Buffer.concat(whole ? [requestBlock(), ...parts] : parts));
  for (const block of fc.sample(blocks, { numRuns: RUNS, seed })) {
    const ours = new HpackDecoder(4096).decode(block, 0, block.length, { full: true, field() {} });
    const client = await AttackClient.connect(port);
    client.send(headers(1, block));
    const { goAway } = await client.settleOrGoAway();
    client.close();
    expect([block.toString('hex'), ours]).toEqual([block.toString('hex'), goAway?.code === COMPRESSION_ERROR ? 9 : 0]);
  }
});

function fromHex(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}
