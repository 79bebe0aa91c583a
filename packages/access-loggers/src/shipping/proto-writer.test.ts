import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import { ProtoWriter } from './proto-writer.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('ProtoWriter', () => {
  it.each([0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32 - 1])('writes varints as protobuf-es does: %d', (value) => {
    expect(hex(new ProtoWriter().uint32(value).uint64(value).finish())).toBe(
      hex(new BinaryWriter().uint32(value).uint64(value).finish()),
    );
  });

  it.each([2 ** 32, 2 ** 40 + 5, Number.MAX_SAFE_INTEGER])('writes long numbers: %d', (value) => {
    expect(hex(new ProtoWriter().uint64(value).int64(value).int64(-value).finish())).toBe(
      hex(new BinaryWriter().uint64(value).int64(value).int64(-value).finish()),
    );
  });

  it('writes the other scalars', () => {
    const scalars = (writer: ProtoWriter | BinaryWriter) =>
      writer
        .int32(-5)
        .bool(true)
        .bool(false)
        .double(-1.5)
        .fixed64(2n ** 60n)
        .int64('-9223372036854775808')
        .finish();
    expect(hex(scalars(new ProtoWriter()))).toBe(hex(scalars(new BinaryWriter())));
  });

  it.each([0, 1, 24, 25, 127, 128, 5000])('writes texts of %d characters, whatever they are made of', (length) => {
    for (const text of ['a', 'é', '語', '😀'].map((one) => one.repeat(length))) {
      const bytes = new ProtoWriter().string(text).bytes(Buffer.from(text)).finish();
      const reader = new BinaryReader(bytes);
      expect([reader.string(), Buffer.from(reader.bytes()).toString()]).toEqual([text, text]);
    }
  });

  it('makes UTF-8 of what is none', () => {
    expect(new BinaryReader(new ProtoWriter().string('a\ud800').finish()).string()).toBe('a\ufffd');
  });

  it.each([0, 126, 127, 128, 129, 16_383, 16_384, 16_390, 2_097_151, 2_097_160])(
    'nests messages of %d bytes',
    (length) => {
      const nested = (writer: ProtoWriter | BinaryWriter) => {
        writer.tag(1, WireType.LengthDelimited).fork().tag(2, WireType.LengthDelimited).fork();
        writer.tag(3, WireType.LengthDelimited).bytes(Buffer.alloc(length, 7));
        return writer.join().tag(4, WireType.Varint).uint32(5).join().tag(5, WireType.Varint).uint32(6).finish();
      };
      expect(Buffer.compare(nested(new ProtoWriter()), nested(new BinaryWriter()))).toBe(0);
    },
  );
});
