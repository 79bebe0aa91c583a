import { describe, expect, it } from 'vitest';
import { NameKind } from '../../headers/names.ts';
import { HpackDecoder } from './decoder.ts';
import { Collector, decodeBlock, fromHex } from './fixture.ts';
import { FieldKind } from './static-table.ts';

const COMPRESSION_ERROR = 9;

function outcome(decoder: HpackDecoder, hex: string): number {
  const block = fromHex(hex);
  return decoder.decode(block, 0, block.length, new Collector());
}

/** A literal with incremental indexing, both strings plain and shorter than 127. */
function indexed(name: string, value: string): string {
  const text = (each: string) =>
    Buffer.from([each.length]).toString('hex') + Buffer.from(each, 'latin1').toString('hex');
  return `40${text(name)}${text(value)}`;
}

describe('HpackDecoder', () => {
  it.each([
    ['index 0', '80'],
    ['an index beyond an empty table', 'be'],
    ['a name index beyond an empty table', '7e 00'],
    ['an index that ends early', 'ff'],
    ['an index that ends early in its second byte', 'ff 80'],
    ['an index of 6 continuation bytes', 'ff 80 80 80 80 80 00'],
    ['an index of 2³¹', 'ff 81 ff ff ff 07'],
    ['an index of 35 bits', 'ff ff ff ff ff 7f'],
    ['a length of 35 bits', '40 7f ff ff ff ff 7f'],
    ['a name without a value', '40 01 61'],
    ['a name that goes over the end', '40 05 61 62'],
    ['a value that goes over the end', '04 05 2f 61'],
    ['no name at all', '40'],
    ['Huffman padding of 8 bits', '04 82 1f ff'],
    ['Huffman padding with a zero', '04 81 18'],
    ['Huffman padding after nothing, 8 bits', '04 81 ff'],
    ['EOS', '04 84 ff ff ff ff'],
    ['EOS after a character', '04 85 1f ff ff ff ff'],
    ['a malformed Huffman name', '40 81 18 00'],
    ['a size update after a field', '82 20'],
    ['a size update beyond our setting', '3f e2 1f'],
    ['a size update that ends early', '3f'],
  ])('refuses %s', (_what, hex) => {
    expect(outcome(new HpackDecoder(4096), hex)).toBe(COMPRESSION_ERROR);
  });

  it.each([
    ['an empty block', ''],
    ['an empty value', '04 00'],
    ['an empty Huffman value', '04 80'],
    ['Huffman padding of 3 ones', '04 81 1f'],
    ['an integer with needless zeros', '3f 80 80 80 80 00'],
    ['a size update to our setting', '3f e1 1f'],
    ['two size updates and a field', '20 3f e1 1f 82'],
  ])('takes %s', (_what, hex) => {
    expect(outcome(new HpackDecoder(4096), hex)).toBe(0);
  });

  it('reads no further than the end of its block', () => {
    const sink = new Collector();
    expect(new HpackDecoder(4096).decode(fromHex('82 04 01 2f 80'), 0, 4, sink)).toBe(0);
    expect(sink.fields).toEqual([
      [':method', 'GET'],
      [':path', '/'],
    ]);
    expect(new HpackDecoder(4096).decode(fromHex('82 04 02 2f 2f'), 0, 4, sink)).toBe(COMPRESSION_ERROR);
  });

  it('keeps bytes above 127 as they came', () => {
    const { fields } = decodeBlock(new HpackDecoder(4096), fromHex(indexed('x', '\xe9\x00\xff')));
    expect(fields).toEqual([['x', '\xe9\x00\xff']]);
  });

  it.each([
    [':authority', FieldKind.authority],
    [':method', FieldKind.method],
    [':path', FieldKind.path],
    [':scheme', FieldKind.scheme],
    [':status', FieldKind.status],
    [':protocol', FieldKind.protocol],
    [':other', FieldKind.invalid],
    ['', FieldKind.invalid],
    ['Host', FieldKind.invalid],
    ['a b', FieldKind.invalid],
    ['a\xe9', FieldKind.invalid],
    ['host', NameKind.host],
    ['content-length', NameKind.contentLength],
    ['x-something', NameKind.ordinary],
  ])('tells the kind of %j, spelled out and out of the table', (name, kind) => {
    const decoder = new HpackDecoder(4096);
    expect(decodeBlock(decoder, fromHex(indexed(name, 'v'))).kinds).toEqual([kind]);
    expect(decodeBlock(decoder, fromHex('be 7e 01 61')).kinds).toEqual([kind, kind]);
  });

  it('tells the kind of names of the static table', () => {
    const { kinds } = decodeBlock(new HpackDecoder(4096), fromHex('82 04 00 66 00 5c 00 0f 2a 00'));
    expect(kinds).toEqual([
      FieldKind.method,
      FieldKind.path,
      NameKind.host,
      NameKind.contentLength,
      NameKind.transferEncoding,
    ]);
  });

  it('reports a large entry each time it is referenced, with its size', () => {
    const decoder = new HpackDecoder(4096);
    decodeBlock(decoder, fromHex(indexed('x', 'a'.repeat(100))));
    const { sizes } = decodeBlock(decoder, Buffer.alloc(1000, 0xbe));
    expect(sizes).toEqual(Array(1000).fill(133));
  });

  it('keeps its table in step when the sink is full', () => {
    const decoder = new HpackDecoder(4096);
    const sink = new Collector();
    sink.full = true;
    const block = fromHex(`82${indexed('x-a', '1')}be${indexed('x-b', '2')}`);
    expect(decoder.decode(block, 0, block.length, sink)).toBe(0);
    expect(sink.fields).toEqual([]);
    expect(decodeBlock(decoder, fromHex('be bf')).fields).toEqual([
      ['x-b', '2'],
      ['x-a', '1'],
    ]);
  });

  it('empties its table for an entry that is larger', () => {
    const decoder = new HpackDecoder(4096);
    decodeBlock(decoder, fromHex(`3f 21${indexed('x-a', '1')}`));
    expect(decoder.tableBytes).toBe(36);
    decodeBlock(decoder, fromHex(indexed('x-b', 'b'.repeat(40))));
    expect(decoder.tableBytes).toBe(0);
    expect(outcome(decoder, 'be')).toBe(COMPRESSION_ERROR);
  });

  it('reads the name of an entry that its own addition evicts', () => {
    const decoder = new HpackDecoder(4096);
    decodeBlock(decoder, fromHex(`3f 09${indexed('x-a', '12345')}`));
    expect(decoder.tableBytes).toBe(40);
    expect(decodeBlock(decoder, fromHex('7e 03 616263')).fields).toEqual([['x-a', 'abc']]);
    expect(decodeBlock(decoder, fromHex('be')).fields).toEqual([['x-a', 'abc']]);
  });

  it('holds a limit below the default only once it is acknowledged', () => {
    const decoder = new HpackDecoder(100);
    expect(outcome(decoder, indexed('x', 'a'.repeat(120)))).toBe(0);
    expect(outcome(decoder, 'be')).toBe(0);
    decoder.acknowledged();
    expect(outcome(decoder, '3f 46 82')).toBe(COMPRESSION_ERROR);
    expect(outcome(decoder, '82')).toBe(COMPRESSION_ERROR);
    expect(outcome(decoder, '3f 45 82')).toBe(0);
    expect(decoder.tableBytes).toBe(0);
    expect(outcome(decoder, '82')).toBe(0);
  });

  it('allows a limit above the default', () => {
    const decoder = new HpackDecoder(65_536);
    decoder.acknowledged();
    expect(outcome(decoder, '3f e1 ff 03')).toBe(0);
    expect(outcome(decoder, '3f e2 ff 03')).toBe(COMPRESSION_ERROR);
  });
});
