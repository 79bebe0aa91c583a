import { describe, expect, it } from 'vitest';
import { compileLogFilter } from '../log-filter/compile.ts';
import { accessLogFilter } from './access-log-filter.ts';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';
import { localReplyConfig } from './local-reply.ts';
import { substitutionFormat } from './substitution-format.ts';

const formatterType = 'type.googleapis.com/envoy.extensions.formatter';
const filter = { status_code_filter: { comparison: { op: 'EQ', value: { default_value: 404, runtime_key: 'k' } } } };
const valueMatcher = { filter: 'a', path: [{ key: 'b' }], value: { string_match: { exact: 'x' } } };

const accepted: readonly Accepted[] = [
  ['empty config', localReplyConfig, () => ({}), { mappers: [] }],
  [
    'mapper',
    localReplyConfig,
    () => ({
      mappers: [
        {
          filter,
          status_code: 599,
          body: { inline_string: 'b' },
          headers_to_add: [{ header: { key: 'x', value: '%RESPONSE_CODE%' } }],
          body_format_override: { text_format: '%LOCAL_REPLY_BODY%' },
        },
      ],
    }),
    { mappers: [{ statusCode: 599, bodyFormatOverride: { textFormat: '%LOCAL_REPLY_BODY%' } }] },
  ],
  [
    'text format',
    substitutionFormat,
    () => ({ text_format: '' }),
    { textFormat: '', contentType: '', omitEmptyValues: false },
  ],
  ['text of a source', substitutionFormat, () => ({ text_format_source: { inline_string: '%PROTOCOL%' } }), {}],
  [
    'JSON format',
    substitutionFormat,
    () => ({ json_format: { a: '%PROTOCOL%', b: [1, true, null] }, json_format_options: { sort_properties: true } }),
    { jsonFormat: { a: '%PROTOCOL%', b: [1, true, null] } },
  ],
  [
    'formatter of Envoy',
    substitutionFormat,
    () => ({
      text_format: '%REQ_WITHOUT_QUERY(:path)%',
      formatters: [
        { name: 'x', typed_config: { '@type': `${formatterType}.req_without_query.v3.ReqWithoutQuery` } },
        { name: 'y', typed_config: { '@type': `${formatterType}.metadata.v3.Metadata` } },
      ],
    }),
    { formatters: [{ name: 'envoy.formatter.req_without_query' }, { name: 'envoy.formatter.metadata' }] },
  ],
];

const filters: readonly (readonly [value: object, part: object])[] = [
  [filter, { statusCodeFilter: { comparison: { op: 'EQ', value: { defaultValue: 404, runtimeKey: 'k' } } } }],
  [{ status_code_filter: { comparison: { value: {} } } }, { statusCodeFilter: { comparison: { op: 'EQ' } } }],
  [{ duration_filter: { comparison: { op: 'NE', value: { default_value: 1 } } } }, {}],
  [{ not_health_check_filter: {} }, { notHealthCheckFilter: {} }],
  [{ traceable_filter: {} }, {}],
  [
    { runtime_filter: { runtime_key: 'a', percent_sampled: { numerator: 1 } } },
    { runtimeFilter: { percentSampled: { denominator: 'HUNDRED' } } },
  ],
  [{ and_filter: { filters: [filter, { or_filter: { filters: [filter, { not_health_check_filter: {} }] } }] } }, {}],
  [{ header_filter: { header: { name: 'x' } } }, {}],
  [{ response_flag_filter: {} }, { responseFlagFilter: { flags: [] } }],
  [{ response_flag_filter: { flags: ['NR', 'UDO'] } }, {}],
  [
    { grpc_status_filter: { statuses: ['NOT_FOUND', 14], exclude: true } },
    { grpcStatusFilter: { statuses: ['NOT_FOUND', 'UNAVAILABLE'] } },
  ],
  [{ metadata_filter: {} }, { metadataFilter: { matchIfKeyNotFound: true } }],
  [
    { metadata_filter: { matcher: valueMatcher, match_if_key_not_found: false } },
    { metadataFilter: { matchIfKeyNotFound: false } },
  ],
  [{ log_type_filter: { types: ['DownstreamEnd'], exclude: true } }, {}],
];

const unsupported = 'known to Envoy, not supported here:';

const refused: readonly Refused[] = [
  ['no format', substitutionFormat, () => ({}), 'needs one of text_format, text_format_source, json_format'],
  [
    'two formats',
    substitutionFormat,
    () => ({ text_format: 'a', json_format: {} }),
    'json_format: only one of text_format, json_format may be given',
  ],
  [
    'unknown command',
    substitutionFormat,
    () => ({ text_format: '%FOO%' }),
    'text_format: Not supported field in StreamInfo: FOO',
  ],
  [
    'unknown command in JSON',
    substitutionFormat,
    () => ({ json_format: { a: ['%FOO%'] } }),
    'json_format: Not supported field in StreamInfo: FOO',
  ],
  [
    'unknown command in a source',
    substitutionFormat,
    () => ({ text_format_source: { inline_string: '5%' } }),
    "text_format_source: Incorrect configuration: 5%. Couldn't find valid command at position 1",
  ],
  [
    'bytes',
    substitutionFormat,
    () => ({ text_format_source: { inline_bytes: '/w==' } }),
    'text_format_source.inline_bytes: a format must be UTF-8 text',
  ],
  [
    'content type',
    substitutionFormat,
    () => ({ text_format: 'a', content_type: 'a\nb' }),
    'content_type: expected printable ASCII text, got "a\\nb"',
  ],
  [
    'command of an extension that is not listed',
    substitutionFormat,
    () => ({ text_format: '%REQ_WITHOUT_QUERY(:path)%' }),
    'text_format: Not supported field in StreamInfo: REQ_WITHOUT_QUERY',
  ],
  [
    'CEL',
    substitutionFormat,
    () => ({ text_format: 'a', formatters: [{ name: 'x', typed_config: { '@type': `${formatterType}.cel.v3.Cel` } }] }),
    `formatters.0.typed_config.@type: envoy.formatter.cel is ${unsupported} CEL expressions are not built yet`,
  ],
  ['mapper without filter', localReplyConfig, () => ({ mappers: [{}] }), 'mappers.0.filter: is required'],
  [
    'status',
    localReplyConfig,
    () => ({ mappers: [{ filter, status_code: 600 }] }),
    'mappers.0.status_code: expected a whole number from 200 to 599, got 600',
  ],
  [
    'pseudo header',
    localReplyConfig,
    () => ({ mappers: [{ filter, headers_to_add: [{ header: { key: ':path' } }] }] }),
    'mappers.0.headers_to_add.0.header.key: :-prefixed or host headers may not be modified',
  ],
  [
    'no condition',
    accessLogFilter,
    () => ({}),
    'needs one of status_code_filter, duration_filter, not_health_check_filter, traceable_filter, runtime_filter, and_filter, or_filter, header_filter, response_flag_filter, grpc_status_filter, metadata_filter, log_type_filter',
  ],
  ['no comparison', accessLogFilter, () => ({ duration_filter: {} }), 'duration_filter.comparison: is required'],
  [
    'no value',
    accessLogFilter,
    () => ({ duration_filter: { comparison: {} } }),
    'duration_filter.comparison.value: is required',
  ],
  ['no runtime key', accessLogFilter, () => ({ runtime_filter: {} }), 'runtime_filter.runtime_key: is required'],
  [
    'one of one',
    accessLogFilter,
    () => ({ and_filter: { filters: [filter] } }),
    'and_filter.filters: needs at least 2 items, got a list',
  ],
  ['no header', accessLogFilter, () => ({ header_filter: {} }), 'header_filter.header: is required'],
  [
    'flag',
    accessLogFilter,
    () => ({ response_flag_filter: { flags: ['XX'] } }),
    'response_flag_filter.flags.0: expected a response flag, got "XX"',
  ],
  [
    'extension',
    accessLogFilter,
    () => ({ extension_filter: { name: 'x' } }),
    `extension_filter: ${unsupported} filters of extensions are not built yet`,
  ],
];

describe('localReplyConfig, substitutionFormat', () => {
  it.each(accepted)('%s is accepted', (_, schema, value, part) => expectAccepted(schema, value(), part));

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});

describe('accessLogFilter', () => {
  it.each(filters)('%j is accepted and can be compiled', (value, part) => {
    expectAccepted(accessLogFilter, value, part);
    expect(compileLogFilter(accessLogFilter.parse(value))).toBeTypeOf('function');
  });
});
