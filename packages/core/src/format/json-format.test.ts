import { describe, expect, it } from 'vitest';
import { stream, type Told } from './fixture.ts';
import { compileJsonFormat, type JsonFormatOptions } from './json-format.ts';
import { textOfWire } from './value.ts';

type Row = readonly [
  fields: Record<string, unknown>,
  json: string,
  why: string,
  told?: Told,
  options?: JsonFormatOptions,
];

const omit = { omitEmptyValues: true };

/** JSON as Envoy 1.40 prints it. */
const rows: readonly Row[] = [
  [
    { c: '%RESPONSE_CODE%', a: 'x%RESPONSE_CODE%' },
    '{"a":"x200","c":200}',
    'one command alone keeps its type; keys are sorted',
  ],
  [{ m: '%REQ(x)%' }, '{"m":null}', 'what is missing is null'],
  [{ m: '%REQ(x)%%REQ(y)%z' }, '{"m":"--z"}', 'and a dash within a text'],
  [{ m: '%REQ(x)%', k: '[%REQ(x)%]' }, '{"k":"[]"}', 'or left out', {}, omit],
  [{ e: '%REQ(x)%' }, '{"e":""}', 'an empty header is not missing', { request: ['x', ''] }, omit],
  [{ n: { l: ['%PROTOCOL%', 5, null, true] } }, '{"n":{"l":["HTTP/1.1",5,null,true]}}', 'nested'],
  [
    { o: { p: '%REQ(x)%' }, l: ['%REQ(x)%', 'x', '%REQ(x)%%REQ(y)%'] },
    '{"l":["x",""]}',
    'left out of lists; objects without members',
    {},
    omit,
  ],
  [
    { e: '', o: {}, l: [], n: null, ol: { l: ['%REQ(x)%'] } },
    '{"e":"","l":[],"ol":{"l":[]}}',
    'empty texts and lists stay',
    {},
    omit,
  ],
  [{ e: '', o: {}, l: [] }, '{"e":"","l":[],"o":{}}', 'everything stays otherwise'],
  [{ f: 1, g: 1e300, i: 123456789012 }, '{"f":1,"g":1e+300,"i":123456789012}', 'numbers'],
  [{ u: 'é\u2028</\x01' }, '{"u":"é\u2028</\\u0001"}', 'literals'],
  [{ p: '50%%' }, '{"p":"50%"}', 'a percent sign'],
  [{ q: '%REQ(h)%' }, '{"q":"a\\"\\\\/<é"}', 'UTF-8 from a header', { request: ['h', 'a"\\/<\xc3\xa9'] }],
  [{ q: '%REQ(h)%' }, '{"q":"\\u00e9\\u0022\\u005c"}', 'bytes that are no UTF-8', { request: ['h', '\xe9"\\'] }],
  [
    { a: '%REQ(h):2%', p: '%DOWNSTREAM_REMOTE_PORT%' },
    '{"a":"ab","p":5555}',
    'cut texts, numbers',
    { request: ['h', 'abc'] },
  ],
  [{ 'é"': 1 }, '{"é\\"":1}', 'keys are escaped'],
  [{}, '{}', 'nothing'],
  [{ a: '%REQ(x)%' }, '{}', 'nothing left', {}, omit],
];

describe('compileJsonFormat', () => {
  const cases = rows.map(([fields, json, why, told = {}, options = {}]) => [fields, json, why, told, options] as const);
  it.each(cases)('%j → %s: %s', (fields, json, _, told, options) => {
    expect(textOfWire(compileJsonFormat(fields, options).format(stream(told)))).toBe(`${json}\n`);
  });

  it('refuses what is no format, at any depth', () => {
    expect(() => compileJsonFormat({ a: [{ b: '%NOPE%' }] })).toThrow('Not supported field in StreamInfo: NOPE');
  });
});
