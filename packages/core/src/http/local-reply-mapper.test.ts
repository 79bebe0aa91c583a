import { describe, expect, it } from 'vitest';
import { ResponseFlag } from '../errors.ts';
import { stream, type Told } from '../format/fixture.ts';
import type { ResponseHead } from '../headers/header-map.ts';
import { mappedReply } from './local-reply.ts';
import { LocalReplyMapper } from './local-reply-mapper.ts';
import type { LocalReplySettings, ResponseMapperSettings } from './local-reply-settings.ts';

const text = (textFormat: string, rest = {}) => ({
  textFormat,
  omitEmptyValues: false,
  contentType: '',
  formatters: [],
  ...rest,
});
const json = (jsonFormat: Record<string, unknown>, rest = {}) => ({
  jsonFormat,
  omitEmptyValues: false,
  contentType: '',
  formatters: [],
  ...rest,
});
const status = (op: 'EQ' | 'GE', defaultValue: number) => ({
  statusCodeFilter: { comparison: { op, value: { defaultValue, runtimeKey: '' } } },
});
const add = (key: string, value: string, overwrite = false) => ({
  header: { key, value },
  keepEmptyValue: false,
  ...(overwrite && { appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD' as const }),
});
const mapper = (rest: Partial<ResponseMapperSettings>): LocalReplySettings => ({
  mappers: [{ filter: status('GE', 200), headersToAdd: [], ...rest }],
});
const body = (inlineString: string) => ({ inlineString });

interface Row {
  readonly why: string;
  readonly config: LocalReplySettings;
  readonly reply: readonly [status: number, body: string];
  readonly modify?: (head: ResponseHead) => void;
  readonly told?: Told;
  readonly result: readonly [status: number, body: string | undefined, ...fields: string[]];
}

const GRPC: Told = { request: ['content-type', 'application/grpc'] };
const type = (value: string) => (head: ResponseHead) => head.set('content-type', value);

const rich: LocalReplySettings = {
  mappers: [
    {
      filter: status('EQ', 404),
      statusCode: 418,
      body: body('B<%REQ(x)%>'),
      headersToAdd: [
        add('x-m', '%RESPONSE_CODE%-%REQ(:path)%-%RESP(content-type)%-%LOCAL_REPLY_BODY%'),
        add('content-type', 'my/type', true),
      ],
      bodyFormatOverride: text('O:%LOCAL_REPLY_BODY%:%RESPONSE_CODE%:%RESP(x-m)%:%RESP(:status)%'),
    },
    { filter: status('GE', 200), headersToAdd: [add('y', 'second')] },
  ],
  bodyFormat: text('top %LOCAL_REPLY_BODY%'),
};

/** Replies as Envoy 1.40 sends them. */
const rows: readonly Row[] = [
  {
    why: 'a text format',
    config: { mappers: [], bodyFormat: text('<%LOCAL_REPLY_BODY%|%RESPONSE_CODE%|%REQ(no)%|%RESP(content-type)%|é>') },
    reply: [404, 'ok'],
    result: [404, '<ok|404|-|-|é>', 'content-length', '15', 'content-type', 'text/plain'],
  },
  {
    why: 'a reply without body gets one',
    config: { mappers: [], bodyFormat: text('%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%') },
    reply: [404, ''],
    told: { info: { flags: ResponseFlag.NR, details: 'route_not_found' } },
    result: [404, 'NR route_not_found', 'content-length', '18', 'content-type', 'text/plain'],
  },
  {
    why: 'a JSON format',
    config: { mappers: [], bodyFormat: json({ b: '%LOCAL_REPLY_BODY%', c: '%RESPONSE_CODE%', m: '%REQ(no)%' }) },
    reply: [503, 'no healthy upstream'],
    result: [
      503,
      '{"b":"no healthy upstream","c":503,"m":null}\n',
      'content-length',
      '45',
      'content-type',
      'application/json',
    ],
  },
  {
    why: 'its content type',
    config: {
      mappers: [],
      bodyFormat: json({ k: '[%REQ(no)%]', m: '%REQ(no)%' }, { omitEmptyValues: true, contentType: 'a/b; q' }),
    },
    reply: [200, 'ok'],
    result: [200, '{"k":"[]"}\n', 'content-length', '11', 'content-type', 'a/b; q'],
  },
  {
    why: 'the first mapper that fits: headers see the old reply, the format sees the new one',
    config: rich,
    reply: [404, ''],
    result: [
      418,
      'O:B<%REQ(x)%>:418:404-/p/q?a=1--:418',
      'content-type',
      'my/type',
      'x-m',
      '404-/p/q?a=1--',
      'content-length',
      '36',
    ],
  },
  {
    why: 'another mapper with the format of all',
    config: rich,
    reply: [200, 'ok'],
    result: [200, 'top ok', 'y', 'second', 'content-length', '6', 'content-type', 'text/plain'],
  },
  {
    why: 'gRPC: status and message are the mapped ones',
    config: rich,
    reply: [404, ''],
    told: GRPC,
    result: [
      200,
      undefined,
      'content-type',
      'application/grpc',
      'x-m',
      '404-/p/q?a=1--',
      'grpc-status',
      '2',
      'grpc-message',
      'O:B<%25REQ(x)%25>:418:404-/p/q?a=1--:418',
    ],
  },
  {
    why: 'gRPC: JSON without its line end',
    config: { mappers: [], bodyFormat: json({ c: '%RESPONSE_CODE%' }) },
    reply: [404, ''],
    told: GRPC,
    result: [200, undefined, 'content-type', 'application/grpc', 'grpc-status', '12', 'grpc-message', '{"c":404}'],
  },
  {
    why: 'gRPC: other line ends are escaped',
    config: { mappers: [], bodyFormat: text('a\nb \n\n') },
    reply: [503, ''],
    told: GRPC,
    result: [200, undefined, 'content-type', 'application/grpc', 'grpc-status', '14', 'grpc-message', 'a%0Ab %0A%0A'],
  },
  {
    why: 'a body',
    config: mapper({ body: body('nobody') }),
    reply: [404, ''],
    result: [404, 'nobody', 'content-length', '6', 'content-type', 'text/plain'],
  },
  { why: 'an empty body', config: mapper({ body: body('') }), reply: [200, 'ok'], result: [200, undefined] },
  {
    why: 'an empty text',
    config: { mappers: [], bodyFormat: text('%REQ(no)%', { omitEmptyValues: true }) },
    reply: [200, 'ok'],
    result: [200, undefined],
  },
  {
    why: 'a dash',
    config: { mappers: [], bodyFormat: text('%REQ(no)%') },
    reply: [200, 'ok'],
    result: [200, '-', 'content-length', '1', 'content-type', 'text/plain'],
  },
  { why: 'a status', config: mapper({ statusCode: 599 }), reply: [404, ''], result: [599, undefined] },
  {
    why: 'a status that has no body',
    config: mapper({ statusCode: 204, body: body('x') }),
    reply: [404, ''],
    result: [204, undefined],
  },
  {
    why: 'no mapper fits',
    config: { mappers: [{ filter: status('EQ', 503), headersToAdd: [add('x', '1')] }] },
    reply: [404, 'a'],
    result: [404, 'a', 'content-length', '1', 'content-type', 'text/plain'],
  },
  {
    why: "a content type of the maker's is replaced with the body",
    config: { mappers: [], bodyFormat: text('<%RESP(content-type)%>') },
    reply: [200, 'ok'],
    modify: type('x/y'),
    result: [200, '<x/y>', 'content-type', 'text/plain', 'content-length', '5'],
  },
  {
    why: 'and stays with its body',
    config: mapper({ headersToAdd: [add('z', '1')] }),
    reply: [200, 'ok'],
    modify: type('x/y'),
    result: [200, 'ok', 'content-type', 'x/y', 'z', '1', 'content-length', '2'],
  },
  {
    why: 'it is replaced with a body without format',
    config: mapper({ body: body('new') }),
    reply: [200, 'ok'],
    modify: type('x/y'),
    result: [200, 'new', 'content-type', 'text/plain', 'content-length', '3'],
  },
  {
    why: 'a mapper that gives the same type has changed nothing',
    config: { ...mapper({ headersToAdd: [add('content-type', 'x/y', true)] }), bodyFormat: json({ a: 1 }) },
    reply: [200, 'ok'],
    modify: type('x/y'),
    result: [200, '{"a":1}\n', 'content-type', 'application/json', 'content-length', '8'],
  },
  {
    why: 'a filter by flag and header',
    config: mapper({
      filter: {
        andFilter: {
          filters: [
            { responseFlagFilter: { flags: ['NR'] } },
            { headerFilter: { header: { name: 'x-a', invertMatch: false, treatMissingHeaderAsEmpty: false } } },
          ],
        },
      },
      body: body('m'),
    }),
    reply: [404, ''],
    told: { request: ['x-a', '1'], info: { flags: ResponseFlag.NR } },
    result: [404, 'm', 'content-length', '1', 'content-type', 'text/plain'],
  },
];

describe('LocalReplyMapper', () => {
  it.each(rows)('$why', ({ config, reply, modify, told = {}, result }) => {
    const [replyStatus, replyText] = reply;
    const compiled = new LocalReplyMapper(config, ({ inlineString = '' }) => Buffer.from(inlineString));
    const exchange = stream({ response: undefined, ...told, info: { upstreamFirstByteMs: 0, ...told.info } });
    const bytes = replyText === '' ? undefined : Buffer.from(replyText);
    const { head, body: sent } = mappedReply(compiled, exchange, replyStatus, bytes, undefined, modify);
    expect([head.status, sent && Buffer.from(sent).toString(), ...pairs(head)]).toEqual([
      result[0],
      result[1],
      ...sorted(result.slice(2)),
    ]);
  });

  it('keeps the headers of the reply', () => {
    const compiled = new LocalReplyMapper(mapper({ headersToAdd: [add('x', '2')] }), () => Buffer.alloc(0));
    const { head } = mappedReply(compiled, stream({ response: undefined }), 301, undefined, { location: '/', x: '1' });
    expect(head.fields).toEqual(['location', '/', 'x', '1', 'x', '2']);
  });

  it('passes bytes that are no text through a format', () => {
    const compiled = new LocalReplyMapper({ mappers: [], bodyFormat: text('[%LOCAL_REPLY_BODY%]') }, () =>
      Buffer.alloc(0),
    );
    const { body: sent } = mappedReply(compiled, stream({ response: undefined }), 200, Buffer.from([0xff, 0x00]));
    expect([...(sent ?? [])]).toEqual([91, 0xff, 0x00, 93]);
  });
});

function pairs(head: ResponseHead): unknown[] {
  return sorted(head.fields);
}

/** Which of two different fields comes first means nothing. */
function sorted(fields: readonly unknown[]): unknown[] {
  const lines: unknown[][] = [];
  for (let i = 0; i < fields.length; i += 2) lines.push(fields.slice(i, i + 2));
  return lines.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)).flat();
}
