import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex } from './fixture.ts';
import { huffmanDecode, huffmanEncode, huffmanLength, mostDecodedBytes } from './huffman.ts';

function encode(text: string): Buffer {
  const out = Buffer.alloc(huffmanLength(text) + 1);
  huffmanEncode(text, out, 0);
  // What is behind the code is not touched.
  expect(out[out.length - 1]).toBe(0);
  return out.subarray(0, -1);
}

function decode(bytes: Uint8Array): string | undefined {
  const out = Buffer.alloc(mostDecodedBytes(bytes.length));
  const length = huffmanDecode(bytes, 0, bytes.length, out);
  return length < 0 ? undefined : out.toString('latin1', 0, length);
}

describe('huffmanEncode', () => {
  it.each([
    ['www.example.com', 'f1e3 c2e5 f23a 6ba0 ab90 f4ff'],
    ['no-cache', 'a8eb 1064 9cbf'],
    ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff'],
    ['', ''],
    ['\x00', 'ffc7'],
    // The longest codes, 30 bits each.
    ['\n\r\x16', 'ffff fff3 ffff ffdf ffff ffbf'],
  ])('writes %j as the RFC has it', (text, hex) => {
    expect(encode(text)).toEqual(fromHex(hex));
  });
});

describe('huffmanDecode', () => {
  it('reads each byte back', () => {
    for (let byte = 0; byte < 256; byte++) {
      const text = String.fromCharCode(byte);
      expect(decode(encode(text))).toBe(text);
      expect(decode(encode(`a${text}${text}b`))).toBe(`a${text}${text}b`);
    }
  });

  it('reads back what huffmanEncode wrote', () => {
    const text = fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
    fc.assert(
      fc.property(text, (each) => {
        expect(decode(encode(each))).toBe(each);
      }),
    );
  });

  it('takes a text in one coding only', () => {
    // The code is complete but for EOS and the padding is fixed: whatever decodes is what the encoder would write.
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const text = decode(bytes);
        if (text !== undefined) expect(encode(text)).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 1000 },
    );
  });
});
