import { describe, expect, it } from 'vitest';
import { stream } from '../format/fixture.ts';
import { RequestHead, ResponseHead } from '../headers/header-map.ts';
import { addition } from './fixtures/settings.ts';
import type { STREAM } from './fixtures/stream.ts';
import { HeaderMutationList } from './header-mutation-list.ts';
import { HeaderMutations } from './header-mutations.ts';
import type { HeaderAdditionSettings, HeaderMutationEntrySettings } from './settings.ts';

const APPEND = 'APPEND_IF_EXISTS_OR_ADD';
const ABSENT = 'ADD_IF_ABSENT';
const OVERWRITE_OR_ADD = 'OVERWRITE_IF_EXISTS_OR_ADD';
const OVERWRITE = 'OVERWRITE_IF_EXISTS';

const keep = (each: HeaderAdditionSettings): HeaderAdditionSettings => ({ ...each, keepEmptyValue: true });

interface Row {
  readonly why: string;
  readonly given: readonly string[];
  readonly add?: readonly HeaderAdditionSettings[];
  readonly remove?: readonly string[];
  readonly result: readonly string[];
}

function head(fields: readonly string[]): RequestHead {
  const made = new RequestHead();
  for (let i = 0; i < fields.length; i += 2) made.append(fields[i] as string, fields[i + 1] as string);
  return made;
}

/** Results as an upstream of Envoy 1.40 saw them. */
const rows: readonly Row[] = [
  { why: 'appends a line', given: ['a', '1'], add: [addition('A', '2')], result: ['a', '1', 'a', '2'] },
  {
    why: 'makes a line longer where Envoy keeps one',
    given: ['accept', 'a', 'accept', 'b', 'set-cookie', 'c=1'],
    add: [
      addition('accept', 'c'),
      addition('accept', '%PROTOCOL%'),
      addition('set-cookie', 'd=2'),
      addition('via', 'x'),
    ],
    result: ['accept', 'a,b,c,HTTP/1.1', 'set-cookie', 'c=1', 'set-cookie', 'd=2', 'via', 'x'],
  },
  { why: 'overwrites', given: ['a', '1', 'a', '2'], add: [addition('a', '3', OVERWRITE_OR_ADD)], result: ['a', '3'] },
  { why: 'overwriting adds', given: [], add: [addition('a', '3', OVERWRITE_OR_ADD)], result: ['a', '3'] },
  {
    why: 'overwrites only',
    given: ['f', '0'],
    add: [addition('f', 'f', OVERWRITE), addition('g', 'g', OVERWRITE)],
    result: ['f', 'f'],
  },
  {
    why: 'adds only if absent',
    given: ['a', '1'],
    add: [addition('a', '2', ABSENT), addition('b', '2', ABSENT)],
    result: ['a', '1', 'b', '2'],
  },
  {
    why: 'absence is asked before anything is added',
    given: [],
    add: [addition('e', '1', ABSENT), addition('e', '2', ABSENT)],
    result: ['e', '1', 'e', '2'],
  },
  {
    why: 'removes first',
    given: ['c', '0', 'a', '0'],
    remove: ['C'],
    add: [addition('c', 're', ABSENT)],
    result: ['a', '0', 'c', 're'],
  },
  {
    why: 'overwrites come before additions, in order',
    given: ['b', 'b0'],
    add: [
      addition('b', 'new', OVERWRITE_OR_ADD),
      addition('b', 'added', APPEND),
      addition('b', 'over', OVERWRITE_OR_ADD),
    ],
    result: ['b', 'over', 'b', 'added'],
  },
  {
    why: 'formats see the head after removals and before additions',
    given: ['b', 'b0', 'c', 'c0'],
    remove: ['c'],
    add: [addition('a', 'was-%REQ(b)%'), addition('b', 'new', OVERWRITE_OR_ADD), addition('d', '[%REQ(c)%]')],
    result: ['b', 'new', 'a', 'was-b0', 'd', '[]'],
  },
  { why: 'an empty value is not added', given: [], add: [addition('h', '%REQ(none)%'), addition('k', '')], result: [] },
  {
    why: 'an empty value does not overwrite',
    given: ['j', '0', 'k', '0'],
    add: [addition('j', '%REQ(none)%', OVERWRITE_OR_ADD), addition('k', '', OVERWRITE_OR_ADD)],
    result: ['j', '0', 'k', '0'],
  },
  {
    why: 'unless it is to be kept',
    given: ['l', '0'],
    add: [keep(addition('i', '%REQ(none)%')), keep(addition('l', '', OVERWRITE_OR_ADD))],
    result: ['l', '', 'i', ''],
  },
  {
    why: 'a value is one line whatever clients send',
    given: ['a', '1'],
    add: [addition('q', '%QUERY_PARAM(q)%')],
    result: ['a', '1', 'q', 'x  y: z'],
  },
  {
    why: 'append: false overwrites',
    given: ['a', '1'],
    add: [{ ...addition('a', '2'), append: false }],
    result: ['a', '2'],
  },
  {
    why: 'append: false beside the first action overwrites',
    given: ['a', '1'],
    add: [{ ...addition('a', '2', APPEND), append: false }],
    result: ['a', '2'],
  },
  {
    why: 'append: true appends',
    given: ['a', '1'],
    add: [{ ...addition('a', '2'), append: true }],
    result: ['a', '1', 'a', '2'],
  },
  { why: 'bytes of UTF-8', given: [], add: [addition('u', 'é%PROTOCOL%')], result: ['u', '\xc3\xa9HTTP/1.1'] },
];

describe('HeaderMutations', () => {
  it.each(rows)('$why', ({ given, add = [], remove = [], result }) => {
    const headers = head(given);
    headers.rawPath = '/?q=x%0d%0ay:%20z';
    new HeaderMutations(add, remove).apply(headers, stream({ rest: { requestHeaders: headers } }));
    expect(headers.fields).toEqual(result);
  });

  it('lets formats see the response head that it changes', () => {
    const response = new ResponseHead();
    response.append('x', 'r');
    const mutations = new HeaderMutations([addition('y', '%RESP(x)%-%REQ(q)%')], ['x']);
    mutations.apply(response, stream({ response: undefined, request: ['q', 'Q'] }), response);
    expect(response.fields).toEqual(['y', '-Q']);
  });

  it('does not look at the stream for literals', () => {
    const headers = head(['a', '1']);
    const nothing = new Proxy({}, { get: () => expect.unreachable() });
    new HeaderMutations([addition('b', '100%%')], ['a']).apply(headers, nothing as typeof STREAM);
    expect(headers.fields).toEqual(['b', '100%']);
  });

  it.each<readonly [string, HeaderAdditionSettings[], string[], string]>([
    ['host', [addition('Host', 'a')], [], ':-prefixed or host headers may not be modified'],
    ['pseudo header', [addition(':path', 'a')], [], ':-prefixed or host headers may not be modified'],
    ['removed pseudo header', [], [':path'], ':-prefixed or host headers may not be modified'],
    ['name', [addition('a b', 'a')], [], 'invalid header name "a b"'],
    ['line break', [addition('a', 'b\n')], [], 'invalid value for header a'],
    ['format', [addition('a', '%NOPE%')], [], 'Not supported field in StreamInfo: NOPE'],
  ])('refuses a bad %s', (_, add, remove, problem) => {
    expect(() => new HeaderMutations(add, remove)).toThrow(problem);
  });

  it.each([
    [[], [], true],
    [[addition('a', '')], [], true],
    [[addition('a', '%REQ(b)%')], [], false],
    [[], ['a'], false],
  ])('isEmpty of %j and %j is %s', (add, remove, expected) => {
    expect(new HeaderMutations(add, remove).isEmpty).toBe(expected);
  });
});

const lists: readonly (readonly [
  why: string,
  list: HeaderMutationEntrySettings[],
  given: string[],
  result: string[],
])[] = [
  [
    'each sees what the earlier did',
    [{ append: addition('b', '%REQ(a)%') }, { remove: 'a' }, { append: addition('c', '%REQ(b)%%REQ(a)%') }],
    ['a', '1'],
    ['b', '1', 'c', '1'],
  ],
  [
    'additions keep their place',
    [{ append: addition('a', '1') }, { append: addition('a', '2', OVERWRITE_OR_ADD) }],
    [],
    ['a', '2'],
  ],
  [
    'absence is asked in turn',
    [{ append: addition('a', '1', ABSENT) }, { append: addition('a', '2', ABSENT) }],
    [],
    ['a', '1'],
  ],
  [
    'removes by name',
    [{ removeOnMatch: { keyMatcher: { prefix: 'x-', ignoreCase: false } } }],
    ['x-a', '1', 'b', '2', 'x-c', '3', 'x-a', '4'],
    ['b', '2'],
  ],
  ['an empty value is not added', [{ append: addition('a', '%REQ(none)%') }, { append: addition('b', '') }], [], []],
];

describe('HeaderMutationList', () => {
  it.each(lists)('%s', (_, list, given, result) => {
    const headers = head(given);
    new HeaderMutationList(list).apply(headers, stream({ request: ['a', 'of the stream'] }));
    expect(headers.fields).toEqual(result);
  });

  it('is empty when no step does anything', () => {
    expect(new HeaderMutationList([{ append: addition('b', '') }]).isEmpty).toBe(true);
    expect(new HeaderMutationList([{ remove: 'a' }]).isEmpty).toBe(false);
  });
});
