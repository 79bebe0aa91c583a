import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import { Collector, decodeBlock, encodeBlock, type Field } from './fixture.ts';

const INDEXED = 0x80;

/** The size of each block when the same encoder writes them one after the other. */
function sizes(blocks: readonly (readonly Field[])[]): number[] {
  const encoder = new HpackEncoder(4096);
  return blocks.map((fields) => encodeBlock(encoder, fields).length);
}

describe('HpackEncoder', () => {
  it('writes fields of the static table as one byte', () => {
    const block = encodeBlock(new HpackEncoder(4096), [
      [':method', 'GET'],
      [':status', '404'],
      ['accept-encoding', 'gzip, deflate'],
      ['accept', ''],
    ]);
    expect([...block]).toEqual([INDEXED | 2, INDEXED | 13, INDEXED | 16, INDEXED | 19]);
  });

  it.each([
    ['server', 'mesh'],
    [':authority', 'www.example.com'],
    ['x-envoy-attempt-count', '1'],
    ['x-unheard-of', 'as it is'],
  ])('writes %s as an index from the second time on', (name, value) => {
    const [first, second, third] = sizes(Array(3).fill([[name, value]]));
    expect(first).toBeGreaterThan(2);
    expect([second, third]).toEqual([1, 1]);
  });

  it.each(['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key'])(
    'marks %s as never to be indexed',
    (name) => {
      const encoder = new HpackEncoder(4096);
      const first = encodeBlock(encoder, [[name, 'secret']]);
      expect((first[0] as number) & 0xf0).toBe(0x10);
      expect(encodeBlock(encoder, [[name, 'secret']])).toEqual(first);
    },
  );

  it.each([':path', 'content-length', 'x-request-id', 'x-envoy-upstream-service-time', 'x-forwarded-for'])(
    'does not let values of %s push others out of the table',
    (name) => {
      const encoder = new HpackEncoder(4096);
      encodeBlock(encoder, [['server', 'mesh']]);
      for (let i = 0; i < 1000; i++) encodeBlock(encoder, [[name, `/value/${i}`]]);
      expect(encodeBlock(encoder, [['server', 'mesh']])).toHaveLength(1);
    },
  );

  it('adds the name of a field that varies once, and refers to it', () => {
    const id = 'a'.repeat(36);
    expect(
      sizes([[['x-request-id', id]], [['x-request-id', `${id}b`]], [['x-request-id', `${id}c`]]]).slice(1),
    ).toEqual([40, 40]);
  });

  it('takes up new values of a name slowly once it has seen 8', () => {
    const encoder = new HpackEncoder(4096);
    encodeBlock(encoder, [['server', 'mesh']]);
    for (let i = 0; i < 8; i++) encodeBlock(encoder, [['x-odd', `${i}`]]);
    for (let i = 0; i < 15; i++) expect(encodeBlock(encoder, [['x-odd', `new ${i}`]])[0]).toBeLessThan(0x10);
    encodeBlock(encoder, [['x-odd', 'settled']]);
    expect(encodeBlock(encoder, [['x-odd', 'settled']])).toHaveLength(1);
    expect(encodeBlock(encoder, [['server', 'mesh']])).toHaveLength(1);
  });

  it('adds nothing that would take more than half of the table', () => {
    const fields: Field[] = [['x-large', 'a'.repeat(2048)]];
    const [first, second] = sizes([fields, fields]);
    expect(second).toBe(first);
  });

  it.each<[string, number, number[], string]>([
    ['nothing by default', 4096, [], ''],
    ['nothing when the peer allows more', 4096, [65_536], ''],
    ['its own size when it is smaller', 100, [], '3f45'],
    ['the smaller size of the peer', 4096, [64], '3f21'],
    ['the smallest and the last of several', 4096, [64, 0, 128], '203f61'],
    ['the smallest, when the last is the present', 4096, [0, 4096], '203fe11f'],
    ['a larger size, when both want it', 8192, [65_536], '3fe13f'],
    ['only what is below, of a larger and a smaller', 8192, [8192, 64], '3f21'],
  ])('begins with size updates: %s', (_what, own, peer, expected) => {
    const encoder = new HpackEncoder(own);
    for (const bytes of peer) encoder.setPeerTableSize(bytes);
    expect(encodeBlock(encoder, []).toString('hex')).toBe(expected);
    expect(encodeBlock(encoder, [])).toHaveLength(0);
  });

  it('makes blocks that decode to the same fields, whatever the table sizes', () => {
    const name = fc.oneof(
      fc.constantFrom(':path', ':status', ':authority', 'cookie', 'date', 'x-request-id', 'server', 'content-length'),
      fc.stringMatching(/^[a-d]{1,3}$/),
      fc.string({ unit: fc.constantFrom('a', '-', '~', '\xe9', '\x00'), maxLength: 200 }),
    );
    const value = fc.oneof(
      fc.constantFrom('', '/', '200', 'GET', 'x'.repeat(70)),
      fc.stringMatching(/^[01]{1,4}$/),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    );
    const size = fc.option(fc.constantFrom(0, 40, 100, 200, 1000, 4096, 9000), { nil: undefined, freq: 2 });
    const blocks = fc.array(fc.record({ size, fields: fc.array(fc.tuple(name, value), { maxLength: 12 }) }), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(fc.constantFrom(0, 64, 300, 4096, 9000), blocks, (own, all) => {
        const encoder = new HpackEncoder(own);
        const decoder = new HpackDecoder(9000);
        for (const { size: peer, fields } of all) {
          if (peer !== undefined) encoder.setPeerTableSize(peer);
          const decoded = decodeBlock(decoder, encodeBlock(encoder, fields));
          expect(decoded.fields).toEqual(fields);
          expect(decoder.tableBytes).toBeLessThanOrEqual(Math.min(own, 9000));
          expect(encoder.tableBytes).toBe(decoder.tableBytes);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('stays in step over many evictions', () => {
    const encoder = new HpackEncoder(300);
    const decoder = new HpackDecoder(4096);
    for (let i = 0; i < 3000; i++) {
      const fields: Field[] = [
        [`x-${i % 7}`, `${i % 11}`],
        [`y-${i % 1000}`, 'same'],
        ['date', `second ${i >> 4}`],
        ['server', 'mesh'],
      ];
      expect(decodeBlock(decoder, encodeBlock(encoder, fields)).fields).toEqual(fields);
    }
  });
});

describe('HpackDecoder', () => {
  it('neither throws nor goes beyond its table on random bytes', () => {
    const start = fc.constantFrom('', '82', '4001610162', '3fe11f', '20');
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 400 }), (prefix, random) => {
        const decoder = new HpackDecoder(4096);
        const block = Buffer.concat([Buffer.from(prefix, 'hex'), random]);
        const sink = new Collector();
        expect([0, 9]).toContain(decoder.decode(block, 0, block.length, sink));
        expect(decoder.tableBytes).toBeLessThanOrEqual(4096);
        // At least one byte of the block for each field.
        expect(sink.fields.length).toBeLessThanOrEqual(block.length);
      }),
      { numRuns: 1000 },
    );
  });
});
