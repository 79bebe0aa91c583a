/** Requests built from legal and hostile parts, for comparing two parsers. */
import fc from 'fast-check';

/** What a request is built from; every part is written as it stands. */
export interface Parts {
  readonly lead: string;
  readonly method: string;
  readonly gap1: string;
  readonly target: string;
  readonly gap2: string;
  readonly version: string;
  readonly lineEnd: string;
  readonly host: readonly string[];
  readonly fields: readonly Field[];
  readonly framing: Framing;
  readonly headEnd: string;
  /** What follows on the same connection. */
  readonly next: string;
}

export interface Field {
  readonly name: string;
  readonly colon: string;
  readonly value: string;
  readonly end: string;
}

export interface Framing {
  readonly fields: readonly string[];
  readonly body: string;
}

/** Mostly `usual`, sometimes one of the others. */
function mostly<T>(usual: T, others: readonly T[], weight = 12): fc.Arbitrary<T> {
  return fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

const METHODS = [
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'HEAD',
  'PATCH',
  'PROPFIND',
  'get',
  'FOO',
  'G(T',
  'GE\tT',
  '',
  'CONNECT',
  'GET:',
  '\xc9',
];
const TARGETS = [
  '/a?b=c',
  '*',
  'http://h.test/x',
  'http://h.test',
  'HTTP://h.test:80/x?y',
  'https://h.test/',
  '/a#b',
  '/\x01',
  '/\x7f',
  '/\xe9',
  '/a b',
  '//x/y',
  '',
  'h.test:80',
  'x',
  '?x',
  '/%zz%',
  '/a\\b',
  '/a|b',
  '/a"b<c>',
  'ftp://h.test/',
  'http://u@h.test/',
  'http:///',
  '*/x',
  '/\0',
];
const VERSIONS = [
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/0.9',
  'HTTP/1.',
  'HTTP/1',
  'HTTP/01.1',
  'HTTP/1.1a',
  'http/1.1',
  'HTTP/1,1',
  'RTSP/1.0',
  'ICE/1.0',
  'HTTP/-1.1',
  '',
  'HTTP/1.1 ',
  'HTTP/1.1 x',
];
const LINE_ENDS = ['\n', '\r', '\r\r\n', '\r\n ', '\n\r'];
const HOSTS: readonly (readonly string[])[] = [
  [],
  ['h.test', 'h.test'],
  ['h.test', 'evil.test'],
  [''],
  ['a,b'],
  ['u@h'],
  ['h.test:80'],
  ['h.test:x'],
  ['[::1]'],
  ['[::1]x'],
  ['h/x'],
  ['h\x80'],
  ['h.test:99999'],
  ['h\0'],
  ['h h'],
];
const CONNECTIONS = [
  'close',
  'keep-alive',
  'Close, X-A',
  'x-a',
  'Upgrade',
  'host',
  'content-length',
  'transfer-encoding',
  ', ,',
  'a b',
  'te',
  'close, keep-alive',
  'x,y,z',
];
const EXPECTS = ['100-continue', '100-Continue', 'foo', '100-continue, x', ''];
const LENGTHS = [
  '05',
  '+5',
  '-5',
  '5 ',
  ' 5',
  '5a',
  '0x5',
  '5,5',
  '5, 5',
  '5,6',
  '',
  '5.0',
  '5e0',
  '5_0',
  '"5"',
  '5;',
  '\xa05',
  '18446744073709551621',
  '9007199254740993',
  '00000000000000000005',
  '4',
  '6',
  '0',
];
const CODINGS = [
  'Chunked',
  '\tchunked\t',
  'chunked ',
  'xchunked',
  'chunkedx',
  'identity',
  'gzip',
  'gzip, chunked',
  'chunked, chunked',
  'chunked, identity',
  ',chunked',
  'chunked,',
  '"chunked"',
  '',
  '\x0bchunked',
  '\xa0chunked',
  'chun\x00ked',
  'chunked;q=1',
];
const SIZES = [
  '05',
  '5;a',
  '5;a=b',
  '5;a="x;y"',
  '5 ',
  ' 5',
  '5\t',
  '0x5',
  '+5',
  '-5',
  '5g',
  'g',
  '',
  '5;\xff',
  '5;',
  '5;a\nb',
  '5;a\rb',
  '5\0',
  'fffffffffffffffff',
  '5_0',
  '4',
  '6',
];
const DATA_ENDS = ['\n', '', '\r', 'XX', '\rX', '\r\n\r\n'];
const TRAILERS = [
  'X-T: 1\r\n',
  'Content-Length: 5\r\n',
  'bad\r\n',
  'X-T : 1\r\n',
  'X-T: a\n',
  'X-T: a\rb\r\n',
  ': x\r\n',
  'X-T: \0\r\n',
  'X-T: 1\r\n X-U\r\n',
];

const fieldName = mostly('X-A', [
  'X-B',
  'x-c',
  'X_D',
  'X-E ',
  'X-F\t',
  'X@G',
  'X(H)',
  '',
  'X\xe9',
  'X\0',
  'X I',
  ':path',
  "X!#$%&'*+-.^_`|~",
  '__proto__',
]);
const fieldValue = mostly('v', [
  '',
  ' ',
  'a b',
  'a\tb',
  '\xe9\xff',
  'a\x01b',
  'a\x7fb',
  'a\0b',
  'a\rb',
  'a\nb',
  'a\x0bb',
  '"q"',
  'a: b',
  'a\r\n b',
  'a\r\n\tb',
  'a\n b',
  '\xa0',
]);

const plainField: fc.Arbitrary<Field> = fc.record({
  name: fieldName,
  colon: mostly(': ', [':', ':\t', ':  ', ' : ', '', ':\x0b']),
  value: fieldValue,
  end: mostly('\r\n', LINE_ENDS, 30),
});

const namedField = (name: string, usual: string, others: readonly string[]): fc.Arbitrary<Field> =>
  mostly(usual, others, 2).map((value) => ({ name, colon: ': ', value, end: '\r\n' }));

const field = fc.oneof(
  { weight: 6, arbitrary: plainField },
  { weight: 1, arbitrary: namedField('Connection', 'keep-alive', CONNECTIONS) },
  { weight: 1, arbitrary: namedField('Expect', '100-continue', EXPECTS) },
  { weight: 1, arbitrary: namedField('TE', 'trailers', ['gzip', 'x']) },
  { weight: 1, arbitrary: namedField('Upgrade', 'websocket', ['h2c', 'foo']) },
);

const chunk = fc
  .tuple(
    mostly('5', SIZES, 8),
    mostly('hello', ['hell', 'hello!', '', '0\r\n\r\n5', '\r\n\r\n\r'], 10),
    mostly('\r\n', DATA_ENDS, 12),
    mostly('\r\n', LINE_ENDS, 20),
  )
  .map(([size, data, end, lineEnd]) => `${size}${lineEnd}${data}${end}`);

const chunks = fc
  .tuple(
    fc.array(chunk, { maxLength: 3 }),
    mostly('0', ['00', '0;x', '0 ', '0;a="', '', '-0', '0x0']),
    mostly('\r\n', LINE_ENDS, 20),
    mostly('', TRAILERS, 3),
    mostly('\r\n', LINE_ENDS, 20),
  )
  .map(([data, last, lineEnd, trailers, end]) => `${data.join('')}${last}${lineEnd}${trailers}${end}`);

const length = (value: string): string => `Content-Length: ${value}`;
const coding = (value: string): string => `Transfer-Encoding: ${value}`;

const framing: fc.Arbitrary<Framing> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ fields: [], body: '' }) },
  { weight: 3, arbitrary: mostly('5', LENGTHS, 4).map((value) => ({ fields: [length(value)], body: 'hello' })) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(mostly('chunked', CODINGS, 4), chunks)
      .map(([value, body]) => ({ fields: [coding(value)], body })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.array(
          fc.oneof(fc.constantFrom('5', ...LENGTHS).map(length), fc.constantFrom('chunked', ...CODINGS).map(coding)),
          { minLength: 2, maxLength: 3 },
        ),
        chunks,
      )
      .map(([fields, body]) => ({ fields, body })),
  },
);

export const parts: fc.Arbitrary<Parts> = fc.record({
  lead: mostly('', ['\r\n', '\r\n\r\n', '\n', '\r', ' ', '\0', '\r\n\r\n\r\n'], 20),
  method: mostly('GET', METHODS, 4),
  gap1: mostly(' ', ['  ', '\t', '', '\x0b', '\r'], 25),
  target: mostly('/', TARGETS, 4),
  gap2: mostly(' ', ['  ', '\t', '', '\x0c'], 25),
  version: mostly('HTTP/1.1', VERSIONS, 8),
  lineEnd: mostly('\r\n', LINE_ENDS, 25),
  host: mostly<readonly string[]>(['h.test'], HOSTS, 8),
  fields: fc.array(field, { maxLength: 4 }),
  framing,
  headEnd: mostly('\r\n', LINE_ENDS, 25),
  next: mostly('', ['GET /next HTTP/1.1\r\nHost: n.test\r\n\r\n', 'GARBAGE\0', '\r\n', 'x'], 3),
});

/** The wire text of a request, as latin-1. */
export function textOf(p: Parts): string {
  const hosts = p.host.map((host) => `Host: ${host}\r\n`).join('');
  const fields = p.fields.map((f) => f.name + f.colon + f.value + f.end).join('');
  const framing = p.framing.fields.map((line) => `${line}\r\n`).join('');
  const start = p.lead + p.method + p.gap1 + p.target + p.gap2 + p.version + p.lineEnd;
  return `${start}${hosts}${fields}${framing}${p.headEnd}${p.framing.body}${p.next}`;
}
