import { expect, it } from 'vitest';
import { explainMismatch } from './explain-mismatch.ts';
import { compile, headerMatcher, request, route, text } from './fixtures/settings.ts';
import { fakeStream, STREAM } from './fixtures/stream.ts';
import type { RouteMatchSettings } from './settings.ts';

const stream = fakeStream({
  random: 1234,
  info: { ...STREAM.info, metadata: new Map([['ns', { k: ['v'] }]]), filterState: new Map([['fs', 'w']]) },
});
const v = text({ exact: 'v' });

const cases: readonly (readonly [Partial<RouteMatchSettings>, expected: string | undefined])[] = [
  [{ prefix: '/a' }, undefined],
  [{ prefix: '/b' }, 'path: wanted prefix "/b", got "/a/b"'],
  [{ safeRegex: { regex: '/b.*' } }, 'path: wanted safe_regex "/b.*", got "/a/b"'],
  [
    { pathMatchPolicy: { name: 't', config: { pathTemplate: '/{x}' } } },
    'path: wanted path_template "/{x}", got "/a/b"',
  ],
  [{ connectMatcher: {} }, 'method: wanted CONNECT, got GET'],
  [{ prefix: '/', headers: [headerMatcher({ exactMatch: '2' })] }, 'header "x": wanted exact "2", got "1"'],
  [{ prefix: '/', headers: [headerMatcher({ name: 'y', exactMatch: '2' })] }, 'header "y": wanted exact "2", got none'],
  [
    { prefix: '/', headers: [headerMatcher({ name: 'z', invertMatch: true, prefixMatch: 'z' })] },
    'header "z": wanted not prefix "z", got "z1" and "z2"',
  ],
  [
    { prefix: '/', headers: [headerMatcher({}), headerMatcher({ name: ':method', exactMatch: 'POST' })] },
    'header ":method": wanted exact "POST", got "GET"',
  ],
  [{ prefix: '/', queryParameters: [{ name: 'q', stringMatch: v }] }, 'query "q": wanted exact "v", got "w"'],
  [{ prefix: '/', queryParameters: [{ name: 'r' }] }, 'query "r": wanted present, got none'],
  [
    { prefix: '/', runtimeFraction: { defaultValue: { numerator: 5, denominator: 'HUNDRED' }, runtimeKey: 'k' } },
    'wanted 5 of 100 requests (runtime key "k"), got 34 of 100',
  ],
  [{ prefix: '/', grpc: {} }, 'wanted gRPC, got content-type none'],
  [
    { prefix: '/', cookies: [{ name: 'k', stringMatch: v, invertMatch: false }] },
    'wanted cookie "k" exact "v", got "w"',
  ],
  [
    { prefix: '/', cookies: [{ name: 'l', stringMatch: v, invertMatch: false }] },
    'wanted cookie "l" exact "v", got none',
  ],
  [
    { prefix: '/', tlsContext: { presented: true, validated: true } },
    'wanted client certificate presented and validated, got no client certificate',
  ],
  [
    {
      prefix: '/',
      dynamicMetadata: [{ filter: 'ns', path: [{ key: 'k' }], value: { stringMatch: v }, invert: false }],
    },
    'wanted metadata "ns" "k" exact "v", got ["v"]',
  ],
  [
    {
      prefix: '/',
      dynamicMetadata: [
        {
          filter: 'ns',
          path: [{ key: 'k' }],
          value: { orMatch: { valueMatchers: [{ nullMatch: {} }, { listMatch: { oneOf: { boolMatch: true } } }] } },
          invert: false,
        },
      ],
    },
    'wanted metadata "ns" "k" null or a list with one that is true, got ["v"]',
  ],
  [{ prefix: '/', filterState: [{ key: 'fs', stringMatch: v }] }, 'wanted filter state "fs" exact "v", got "w"'],
  [
    {
      prefix: '/',
      filterState: [
        { key: 'no', addressMatch: { ranges: [{ addressPrefix: '10.0.0.0', prefixLen: 8 }], invertMatch: false } },
      ],
    },
    'wanted filter state "no" in 10.0.0.0/8, got none',
  ],
];

it.each(cases)('explainMismatch %j → %s', (given, expected) => {
  const found = compile([route('r', given)]).virtualHosts[0]?.routes[0];
  const head = request('/a/b?q=w', 'h', ['x', '1', 'z', 'z1', 'z', 'z2', 'cookie', 'k=w']);
  expect(found && explainMismatch(found, head, stream)).toBe(expected);
});

it('explainMismatch says that CONNECT asks for a connect_matcher', () => {
  const found = compile([route('r', { prefix: '' })]).virtualHosts[0]?.routes[0];
  const head = request('', 'h:443');
  head.rawMethod = 'CONNECT';
  expect(found && explainMismatch(found, head, stream)).toBe('method: CONNECT matches only a connect_matcher');
});
