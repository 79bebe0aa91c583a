import { describe, expect, it } from 'vitest';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';
import { appendActionOf, headerValueOption } from './header-mutation.ts';
import { routeSchema } from './route.ts';

const unsupported = (reason: string) => `known to Envoy, not supported here: ${reason}`;
const always = (name: string, verb = 'modified') =>
  `${name} may not be ${verb}: it says where a message ends or whether the connection stays, and is always written by the codec`;

const accepted: readonly Accepted[] = [
  ['HeaderValueOption', headerValueOption, () => ({ header: { key: 'x-a', value: 'é\t' } }), { keepEmptyValue: false }],
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
    'substitution',
    headerValueOption,
    () => ({ header: { key: 'x', value: '%PROTOCOL%' } }),
    `header.value: the % in "%PROTOCOL%" is ${unsupported('values with %COMMAND% substitutions are not built yet')}`,
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

describe('appendActionOf', () => {
  it.each([
    [{}, 'APPEND_IF_EXISTS_OR_ADD'],
    [{ append: true }, 'APPEND_IF_EXISTS_OR_ADD'],
    [{ append: false }, 'OVERWRITE_IF_EXISTS_OR_ADD'],
    [{ appendAction: 'ADD_IF_ABSENT' as const }, 'ADD_IF_ABSENT'],
  ])('%j → %s', (option, action) => {
    expect(appendActionOf(option)).toBe(action);
  });
});
