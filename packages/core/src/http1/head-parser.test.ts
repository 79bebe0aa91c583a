import { describe, expect, it } from 'vitest';
import { FAILED, HeadParser, MARKS, NEED_MORE, Section, type SectionKind } from './head-parser.ts';
import { ProtocolErrors } from './protocol-error.ts';

const LIMITS = { maxBytes: 60 * 1024, maxFields: 100 };

interface Scan {
  readonly used: number;
  readonly start: string;
  readonly fields: [string, string][];
}

/** Feeds `text` in pieces of the given sizes (the last one repeats) and reads the parser's offsets back as text. */
function scan(section: SectionKind, text: string, sizes: number[] = [text.length], limits = LIMITS): Scan | string {
  const parser = new HeadParser(section, limits);
  const bytes = Buffer.from(text, 'latin1');
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[Math.min(i, sizes.length - 1)] as number;
    const piece = Buffer.from(bytes.subarray(at, at + size));
    const end = parser.feed(piece, 0);
    if (end === FAILED) return parser.error.details;
    if (end !== NEED_MORE) return read(parser, section, at + end);
    // A reader that reuses its buffer must not change what was kept.
    piece.fill(0);
    at += size;
  }
  return 'need more';
}

function read(parser: HeadParser, section: SectionKind, used: number): Scan {
  const cut = (from: number, to: number) => parser.bytes.toString('latin1', from, to);
  const fields: [string, string][] = [];
  for (let f = 0; f < parser.fieldCount; f++) {
    const [a, b, c, d] = parser.marks.subarray(f * MARKS, f * MARKS + 4) as unknown as number[];
    fields.push([cut(a as number, b as number), cut(c as number, d as number)]);
  }
  const start =
    section === Section.request
      ? [
          cut(parser.base, parser.methodEnd),
          cut(parser.methodEnd + 1, parser.targetEnd),
          cut(parser.versionStart, parser.lineEnd),
        ].join('|')
      : section === Section.response
        ? cut(parser.base, parser.lineEnd)
        : '';
  return { used, start, fields };
}

const request = (text: string, sizes?: number[]) => scan(Section.request, text, sizes);

describe('HeadParser', () => {
  const HEAD = 'GET /a?b HTTP/1.1\r\nHost: h.test\r\nX-A: \t a  b \t\r\nX-Empty:\r\n\r\n';
  const PARTS = {
    used: HEAD.length,
    start: 'GET|/a?b|HTTP/1.1',
    fields: [
      ['Host', 'h.test'],
      ['X-A', 'a  b'],
      ['X-Empty', ''],
    ],
  };

  it('leaves the offsets of method, target, version and fields', () => {
    expect(request(HEAD)).toEqual(PARTS);
  });

  it('stops behind the head', () => {
    expect(request(`${HEAD}GET /next`)).toEqual(PARTS);
  });

  it('gives the same offsets for every split in two', () => {
    for (let cut = 1; cut < HEAD.length; cut++)
      expect(request(HEAD, [cut, HEAD.length]), `cut at ${cut}`).toEqual(PARTS);
  });

  it('gives the same offsets byte by byte', () => {
    expect(request(HEAD, [1])).toEqual(PARTS);
  });

  it('scans from a position inside a chunk', () => {
    const parser = new HeadParser(Section.request, LIMITS);
    const chunk = Buffer.from(`body${HEAD}`, 'latin1');
    expect(read(parser, Section.request, parser.feed(chunk, 4))).toEqual({ ...PARTS, used: HEAD.length + 4 });
  });

  it('keeps a tail from a position inside a chunk', () => {
    const parser = new HeadParser(Section.request, LIMITS);
    expect(parser.feed(Buffer.from(`body${HEAD.slice(0, 30)}`, 'latin1'), 4)).toBe(NEED_MORE);
    const used = parser.feed(Buffer.from(`${HEAD.slice(30)}rest`, 'latin1'), 0);
    expect(read(parser, Section.request, used + 30)).toEqual(PARTS);
  });

  it('parses one head after the other', () => {
    const parser = new HeadParser(Section.request, LIMITS);
    const second = 'POST /2 HTTP/1.0\r\nA: b\r\n\r\n';
    const chunk = Buffer.from(HEAD + second, 'latin1');
    const end = parser.feed(chunk, 0);
    parser.reset();
    expect(read(parser, Section.request, parser.feed(chunk, end))).toEqual({
      used: chunk.length,
      start: 'POST|/2|HTTP/1.0',
      fields: [['A', 'b']],
    });
  });

  it('reset forgets a partial head', () => {
    const parser = new HeadParser(Section.request, LIMITS);
    parser.feed(Buffer.from('GET /half HT'), 0);
    expect(parser.started).toBe(true);
    parser.reset();
    expect(parser.started).toBe(false);
    expect(read(parser, Section.request, parser.feed(Buffer.from(HEAD, 'latin1'), 0))).toEqual(PARTS);
  });

  it('takes more fields than it has marks for', () => {
    const fields = Array.from({ length: 99 }, (_, i) => `X-${i}: ${i}\r\n`).join('');
    const scanned = request(`GET / HTTP/1.1\r\n${fields}\r\n`, [7]) as Scan;
    expect(scanned.fields).toHaveLength(99);
    expect(scanned.fields[98]).toEqual(['X-98', '98']);
  });

  it('skips up to two empty lines before a request line', () => {
    expect(request(`\r\n\r\n${HEAD}`)).toEqual({ ...PARTS, used: HEAD.length + 4 });
    expect(request(`\r\n\r\n${HEAD}`, [1])).toEqual({ ...PARTS, used: HEAD.length + 4 });
    expect(request(`\r\n\r\n\r\n${HEAD}`)).toBe('http1.codec_error');
  });

  it('a response may not begin with an empty line', () => {
    expect(scan(Section.response, '\r\nHTTP/1.1 200 OK\r\n\r\n')).toBe(ProtocolErrors.badStatus.details);
  });

  it('takes a status line as it is', () => {
    const text = 'HTTP/1.1 200 Tr\xe8s bien\r\nA: b\r\n\r\n';
    const parts = { used: text.length, start: 'HTTP/1.1 200 Tr\xe8s bien', fields: [['A', 'b']] };
    expect(scan(Section.response, text)).toEqual(parts);
    expect(scan(Section.response, text, [1])).toEqual(parts);
  });

  it('takes trailers with and without fields', () => {
    expect(scan(Section.trailers, '\r\n')).toEqual({ used: 2, start: '', fields: [] });
    expect(scan(Section.trailers, 'X-T: 1\r\n\r\n', [1])).toEqual({ used: 10, start: '', fields: [['X-T', '1']] });
  });
});

describe('HeadParser refuses', () => {
  const line = (start: string) => `${start}\r\nHost: h\r\n\r\n`;
  const field = (text: string) => `GET / HTTP/1.1\r\nHost: h\r\n${text}\r\n\r\n`;
  it.each([
    ['two spaces', line('GET  / HTTP/1.1')],
    ['two spaces before the version', line('GET /  HTTP/1.1')],
    ['a tab as separator', line('GET\t/\tHTTP/1.1')],
    ['a space behind the version', line('GET / HTTP/1.1 ')],
    ['a short version', line('GET / HTTP/1')],
    ['a long version', line('GET / HTTP/1.10')],
    ['no version', line('GET /')],
    ['no target', line('GET')],
    ['a method that is no token', line('G(T / HTTP/1.1')],
    ['a leading space', line(' GET / HTTP/1.1')],
    ['a control byte in the target', line('GET /\x01 HTTP/1.1')],
    ['DEL in the target', line('GET /\x7f HTTP/1.1')],
    ['obs-text in the target', line('GET /\xe9 HTTP/1.1')],
    ['LF as line end', 'GET / HTTP/1.1\nHost: h\r\n\r\n'],
    ['CR as line end', 'GET / HTTP/1.1\rHost: h\r\n\r\n'],
    ['LF as first byte', `\n${line('GET / HTTP/1.1')}`],
    ['CR without LF before the request', `\rGET / HTTP/1.1\r\n\r\n`],
    ['LF behind a value', field('A: b\nC: d')],
    ['CR in a value', field('A: b\rC')],
    ['NUL in a value', field('A: \0')],
    ['DEL in a value', field('A: \x7f')],
    ['VT in a value', field('A: \x0b')],
    ['a space before the colon', field('A : b')],
    ['a tab before the colon', field('A\t: b')],
    ['a field without a colon', field('garbage')],
    ['an empty field name', field(': b')],
    ['obs-text in a field name', field('\xc9: b')],
    ['a folded value', field('A: b\r\n c')],
    ['a space before the first field', 'GET / HTTP/1.1\r\n A: b\r\n\r\n'],
    ['an LF-only end', 'GET / HTTP/1.1\r\nHost: h\r\n\n'],
    ['CR CR LF at the end', 'GET / HTTP/1.1\r\nHost: h\r\n\r\r\n'],
  ])('%s, in one piece and byte by byte', (_, text) => {
    const whole = request(text);
    expect(whole).toEqual(expect.stringMatching(/^http1\./));
    expect(request(text, [1])).toBe(whole);
  });

  it('a head of more than maxBytes, and not one byte earlier', () => {
    const head = (length: number) => `GET / HTTP/1.1\r\nA: ${'a'.repeat(length - 23)}\r\n\r\n`;
    const limits = { maxBytes: 200, maxFields: 10 };
    for (const sizes of [[500], [1], [150, 30], [199, 1]]) {
      expect(scan(Section.request, head(200), sizes, limits)).toMatchObject({ used: 200 });
      expect(scan(Section.request, head(201), sizes, limits)).toBe('http1.headers_too_large');
    }
  });

  it('a head without an end as soon as it is too long', () => {
    const limits = { maxBytes: 200, maxFields: 10 };
    const open = `GET / HTTP/1.1\r\nA: ${'a'.repeat(300)}`;
    expect(scan(Section.request, open, [500], limits)).toBe('http1.headers_too_large');
    expect(scan(Section.request, open, [1], limits)).toBe('http1.headers_too_large');
    expect(scan(Section.trailers, open.slice(16), [1], limits)).toBe('http1.trailers_too_large');
  });

  it('more fields than maxFields', () => {
    const fields = (n: number) => `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(n)}\r\n`;
    const limits = { maxBytes: 1000, maxFields: 3 };
    for (const sizes of [[500], [1]]) {
      expect(scan(Section.request, fields(3), sizes, limits)).toMatchObject({ used: 36 });
      expect(scan(Section.request, fields(4), sizes, limits)).toBe('http1.too_many_headers');
    }
  });
});
