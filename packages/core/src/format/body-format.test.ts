import { describe, expect, it } from 'vitest';
import { type BodyFormatSettings, compileBodyFormat } from './body-format.ts';
import { stream } from './fixture.ts';

const plain = { omitEmptyValues: false, contentType: '', formatters: [] };

const rows: readonly (readonly [
  why: string,
  given: Partial<BodyFormatSettings>,
  type: string,
  own: boolean,
  body: string,
])[] = [
  ['text', { textFormat: '%REQ(x)% %PROTOCOL%' }, 'text/plain', false, '- HTTP/1.1'],
  ['text, what is missing left out', { textFormat: '[%REQ(x)%]', omitEmptyValues: true }, 'text/plain', false, '[]'],
  ['text of a type', { textFormat: 'a', contentType: 'text/html' }, 'text/html', true, 'a'],
  ['text of a source', { textFormatSource: { inlineString: '%PROTOCOL%' } }, 'text/plain', false, 'HTTP/1.1'],
  ['bytes of a source', { textFormatSource: { inlineBytes: Buffer.from('é') } }, 'text/plain', false, '\xc3\xa9'],
  ['JSON', { jsonFormat: { a: '%REQ(x)%' } }, 'application/json', true, '{"a":null}\n'],
  ['JSON of a type', { jsonFormat: {}, contentType: 'a/b' }, 'a/b', true, '{}\n'],
  [
    'a command of an extension',
    { textFormat: '%REQ_WITHOUT_QUERY(:path)%', formatters: [{ name: 'envoy.formatter.req_without_query' }] },
    'text/plain',
    false,
    '/p/q',
  ],
];

describe('compileBodyFormat', () => {
  it.each(rows)('%s', (_, given, contentType, ownContentType, body) => {
    const format = compileBodyFormat({ ...plain, ...given });
    expect(format).toMatchObject({ contentType, ownContentType });
    expect(format.format(stream())).toBe(body);
  });

  it('reads sources as it is told', () => {
    const format = compileBodyFormat(
      { ...plain, textFormatSource: { filename: 'f' } },
      ({ filename }) => `of ${filename}`,
    );
    expect(format.format(stream())).toBe('of f');
  });
});
