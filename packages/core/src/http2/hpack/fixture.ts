/** What the tests of this folder share. */
import { BlockWriter } from './block-writer.ts';
import type { FieldSink, HpackDecoder } from './decoder.ts';
import type { HpackEncoder } from './encoder.ts';

export type Field = readonly [name: string, value: string];

/** Keeps all it gets. */
export class Collector implements FieldSink {
  full = false;
  readonly fields: Field[] = [];
  readonly kinds: number[] = [];
  readonly sizes: number[] = [];

  field(name: string, value: string, size: number, kind: number): void {
    this.fields.push([name, value]);
    this.sizes.push(size);
    this.kinds.push(kind);
  }
}

/** The bytes of hexadecimal digits, spaces between them allowed. */
export function fromHex(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');
}

/** Decodes a block; throws what `decode` returns when it is not 0. */
export function decodeBlock(decoder: HpackDecoder, block: Buffer): Collector {
  const sink = new Collector();
  const error = decoder.decode(block, 0, block.length, sink);
  if (error !== 0) throw new Error(`error ${error}`);
  return sink;
}

/** A block of its own. */
export function encodeBlock(encoder: HpackEncoder, fields: readonly Field[]): Buffer {
  const out = new BlockWriter();
  encoder.begin(out);
  for (const [name, value] of fields) encoder.field(out, name, value);
  return Buffer.from(out.bytes.subarray(0, out.length));
}
