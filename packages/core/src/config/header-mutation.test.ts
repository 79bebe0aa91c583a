import { describe, it } from 'vitest';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';
import { headerMutation, headerValueOption } from './header-mutation.ts';
import { routeSchema } from './route.ts';

const unsupported = (reason: string) => `known to Envoy, not supported here: ${reason}`;
const always = (name: string, verb = 'modified') =>
  `${name} may not be ${verb}: it says where a message ends or whether the connection stays, and is always written by the codec`;

const accepted: readonly Accepted[] = [
  ['HeaderValueOption', headerValueOption, () => ({ header: { key: 'x-a', value: 'é\t' } }), { keepEmptyValue: false }],
  [
    'format',
    headerValueOption,
    () => ({ header: { key: 'x', value: '%REQ(a?b):3%%PER_REQUEST_STATE(k)%%DYNAMIC_METADATA(["a"])%' } }),
    { header: { key: 'x', value: '%REQ(a?b):3%%PER_REQUEST_STATE(k)%%DYNAMIC_METADATA(["a"])%' } },
  ],
  [
    'append beside the action that is none',
    headerValueOption,
    () => ({ header: { key: 'x' }, append: false, append_action: 'APPEND_IF_EXISTS_OR_ADD' }),
    { append: false },
  ],
  [
    'removal by name',
    headerMutation,
    () => ({ remove_on_match: { key_matcher: { prefix: 'x-' } } }),
    { removeOnMatch: { keyMatcher: { prefix: 'x-', ignoreCase: false } } },
  ],
];

const refused: readonly Refused[] = [
  [
    'host header',
    headerValueOption,
    () => ({ header: { key: 'Host', value: 'a' } }),
    'header.key: :-prefixed or host headers may not be modified',
  ],
  [
    'pseudo header',
    headerValueOption,
    () => ({ header: { key: ':path', value: 'a' } }),
    'header.key: :-prefixed or host headers may not be modified',
  ],
  [
    'content-length',
    headerValueOption,
    () => ({ header: { key: 'Content-Length', value: '1' } }),
    `header.key: ${always('content-length')}`,
  ],
  [
    'connection',
    headerValueOption,
    () => ({ header: { key: 'connection', value: 'close' } }),
    `header.key: ${always('connection')}`,
  ],
  [
    'transfer-encoding',
    routeSchema,
    () => ({
      match: { prefix: '/' },
      route: { cluster: 'c' },
      request_headers_to_remove: ['x-a', 'transfer-encoding'],
      response_headers_to_remove: ['host'],
    }),
    `request_headers_to_remove.1: ${always('transfer-encoding', 'removed')}`,
    'response_headers_to_remove.0: :-prefixed or host headers may not be removed',
  ],
  [
    'unknown command',
    headerValueOption,
    () => ({ header: { key: 'x', value: 'a%FOO%' } }),
    'header.value: Not supported field in StreamInfo: FOO',
  ],
  [
    'stray percent sign',
    headerValueOption,
    () => ({ header: { key: 'x', value: '50%' } }),
    "header.value: Incorrect configuration: 50%. Couldn't find valid command at position 2",
  ],
  [
    'raw value',
    headerValueOption,
    () => ({ header: { key: 'x', raw_value: 'YQ==' } }),
    `header.raw_value: ${unsupported('Envoy does not look at it either when it adds a header; use value')}`,
  ],
  [
    'pseudo header in a list of mutations',
    headerMutation,
    () => ({ append: { header: { key: ':path', value: '/' } } }),
    'append.header.key: :-prefixed or host headers may not be modified',
  ],
  [
    'removal of the host in a list of mutations',
    headerMutation,
    () => ({ remove: 'Host' }),
    'remove: :-prefixed or host headers may not be removed',
  ],
  ['empty mutation', headerMutation, () => ({}), 'needs one of remove, append, remove_on_match'],
  [
    'two mutations in one',
    headerMutation,
    () => ({ remove: 'a', append: { header: { key: 'b' } } }),
    'append: only one of remove, append may be given',
  ],
  [
    'line break',
    headerValueOption,
    () => ({ header: { key: 'x', value: 'a\nb' } }),
    'header.value: expected a header value, got "a\\nb"',
  ],
  [
    'control character',
    headerValueOption,
    () => ({ header: { key: 'x', value: 'a\x01' } }),
    'header.value: expected a header value, got "a\\u0001"',
  ],
  [
    'two actions of a header',
    headerValueOption,
    () => ({ header: { key: 'x' }, append: true, append_action: 'ADD_IF_ABSENT' }),
    "append: Both append and append_action are set and it's not allowed",
  ],
];

describe('headerValueOption', () => {
  it.each(accepted)('%s: the valid minimum is accepted', (_, schema, value, part) =>
    expectAccepted(schema, value(), part),
  );

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});
