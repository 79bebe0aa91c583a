import { describe, expect, it } from 'vitest';
import { ChunkedDecoder } from './chunked.ts';
import { FAILED, NEED_MORE } from './head-parser.ts';
import { type ProtocolError, ProtocolErrors } from './protocol-error.ts';

interface Decoded {
  readonly body: string;
  /** Bytes used up to the end of the last chunk's line. */
  readonly used: number;
}

function decode(text: string, size = text.length): Decoded | ProtocolError | 'need more' {
  const decoder = new ChunkedDecoder();
  const bytes = Buffer.from(text, 'latin1');
  let body = '';
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    let pos = 0;
    while (pos < piece.length) {
      const next = decoder.next(piece, pos);
      if (next === FAILED) return decoder.error;
      body += piece.toString('latin1', decoder.dataStart, decoder.dataEnd);
      if (next === NEED_MORE) break;
      if (next <= pos) throw new Error('no progress');
      pos = next;
      if (decoder.done) return { body, used: at + pos };
    }
  }
  return 'need more';
}

describe('ChunkedDecoder', () => {
  it.each([
    ['one chunk', '5\r\nhello\r\n0\r\n', 'hello'],
    ['several chunks', '3\r\nabc\r\nA\r\n0123456789\r\n0\r\n', 'abc0123456789'],
    ['lower-case digits', 'a\r\n0123456789\r\n0\r\n', '0123456789'],
    ['no chunk', '0\r\n', ''],
    ['leading zeros', '0005\r\nhello\r\n0000\r\n', 'hello'],
    ['data that looks like chunks', '9\r\n0\r\n\r\n5\r\n\r\r\n0\r\n', '0\r\n\r\n5\r\n\r'],
    ['an extension', '5;a=b;c="d;e"\r\nhello\r\n0;z\r\n', 'hello'],
    ['an empty extension', '5;\r\nhello\r\n0\r\n', 'hello'],
    ['a quote that CRLF ends', '5;a="\r\nhello\r\n0\r\n', 'hello'],
  ])('decodes %s at every split size', (_, text, body) => {
    for (let size = 1; size <= text.length; size++)
      expect(decode(text, size), `size ${size}`).toEqual({ body, used: text.length });
  });

  it('stops behind the last chunk and leaves the trailers', () => {
    expect(decode('0\r\nX-T: 1\r\n\r\n')).toEqual({ body: '', used: 3 });
  });

  it('wants more while anything is missing', () => {
    const text = '5;a\r\nhello\r\n0\r\n';
    for (let cut = 0; cut < text.length; cut++) expect(decode(text.slice(0, cut)), `cut ${cut}`).toBe('need more');
  });

  it('reset makes it ready for the next message', () => {
    const decoder = new ChunkedDecoder();
    decoder.next(Buffer.from('0\r\n'), 0);
    expect(decoder.done).toBe(true);
    decoder.reset();
    expect(decoder.done).toBe(false);
    expect(decoder.next(Buffer.from('1\r\na'), 0)).toBe(4);
  });

  it.each([
    '\r\n',
    '+5\r\n',
    '-5\r\n',
    ' 5\r\n',
    '0x5\r\n',
    '5_0\r\n',
    'g\r\n',
    '5g\r\n',
    '5,\r\n',
    '5h\r\n',
    '"5"\r\n',
    '5 \r\n',
    '5\t\r\n',
    '5 ;a\r\n',
    '5 a=b\r\n',
    '5\0\r\n',
    '5\x0b\r\n',
    '5\xa0\r\n',
    '5\n',
    '5\rh',
    '5\r\r\n',
    '0\n',
    ';a\r\n',
    '5;a\nb\r\n',
    '5;a\rb\r\n',
    '5;\0\r\n',
    '5;\x7f\r\n',
    '2;\nxx\r\n',
    '5\r\nhelloXX',
    '5\r\nhello\rX',
    '5\r\nhello\n',
    '5\r\nhello0\r\n',
    '4\r\nhello\r\n',
    '5\r\nhello\r\n\r\n',
    '20000000000000\r\n',
    '10000000000000005\r\n',
    `${'f'.repeat(100)}\r\n`,
    `${'0'.repeat(17)}\r\n`,
  ])('refuses %j at every split size', (text) => {
    for (let size = 1; size <= text.length; size++)
      expect(decode(text, size), `size ${size}`).toBe(ProtocolErrors.badChunk);
  });

  it('takes the largest safe size', () => {
    expect(decode('1fffffffffffff\r\nx')).toBe('need more');
  });

  it('bounds one extension at 256 bytes', () => {
    expect(decode(`0;${'e'.repeat(256)}\r\n`)).toMatchObject({ body: '' });
    expect(decode(`0;${'e'.repeat(257)}\r\n`)).toBe(ProtocolErrors.chunkExtensionTooLarge);
  });

  it('bounds the extensions of a message at 16 KiB', () => {
    const chunk = `1;${'e'.repeat(256)}\r\nx\r\n`;
    expect(decode(`${chunk.repeat(64)}0\r\n`)).toMatchObject({ body: 'x'.repeat(64) });
    expect(decode(`${chunk.repeat(64)}0;e\r\n`, 1)).toBe(ProtocolErrors.chunkExtensionTooLarge);
  });
});
