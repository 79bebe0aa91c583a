import { describe, expect, it } from 'vitest';
import type { StreamConnection } from '../api/http-stream.ts';
import type { Runtime, RuntimeFraction } from '../api/runtime.ts';
import { compile, headerMatcher, host, request, route, settings, text } from './fixtures/settings.ts';
import { fakeStream, STREAM } from './fixtures/stream.ts';
import type { CookieMatcherSettings, RouteMatchSettings, ValueMatcherSettings } from './settings.ts';

// All expected values of this file were compared with Envoy 1.40.

function hits(given: Partial<RouteMatchSettings>, fields: readonly string[] = [], stream = STREAM): boolean {
  const table = compile([route('hit', { prefix: '/', ...given })]);
  return table.route(request('/p', 'h.test', fields), stream) !== undefined;
}

const cookies: readonly (readonly [Partial<CookieMatcherSettings>, cookie: string | null, boolean, why: string])[] = [
  [{}, 'k=v', true, 'equal'],
  [{}, 'k=w', false, 'another value'],
  [{}, 'a=b; k=v', true, 'a later one'],
  [{}, 'x; k=v', true, 'behind one without a value'],
  [{}, 'k=w; k=v', false, 'the first counts'],
  [{}, 'k=v;k=w', true, 'the first counts'],
  [{}, 'k="v"', true, 'quotes are taken off'],
  [{}, 'k="v', false, 'but not one alone'],
  [{}, 'k = v', false, 'spaces belong to name and value'],
  [{}, 'K=v', false, 'names have case'],
  [{}, 'kk=v', false, 'a longer name'],
  [{}, '', false, 'an empty field'],
  [{}, null, false, 'no field'],
  [{ stringMatch: text({ exact: '' }) }, 'k=', true, 'an empty value'],
  [{ stringMatch: text({ exact: '' }) }, null, false, 'missing is not empty'],
  [{ stringMatch: text({ exact: 'v w' }) }, 'k=v w', true, 'spaces inside'],
  [{ invertMatch: true }, 'k=v', false, 'inverted'],
  [{ invertMatch: true }, 'k=w', true, 'inverted'],
  [{ invertMatch: true }, null, true, 'missing fits an inverted condition'],
];

describe('Route cookie match', () => {
  it.each(cookies)('%j %j → %j: %s', (given, cookie, expected) => {
    const matcher = { name: 'k', stringMatch: text({ exact: 'v' }), invertMatch: false, ...given };
    expect(hits({ cookies: [matcher] }, cookie === null ? [] : ['cookie', cookie])).toBe(expected);
  });

  it('Route cookie match looks through all fields', () => {
    const matcher = { name: 'k', stringMatch: text({ exact: 'v' }), invertMatch: false };
    expect(hits({ cookies: [matcher] }, ['cookie', 'a=w', 'cookie', 'k=v'])).toBe(true);
    expect(hits({ cookies: [matcher] }, ['cookie', 'k=w', 'cookie', 'k=v'])).toBe(false);
  });
});

it.each([
  ['application/grpc', true],
  ['application/grpc+proto', true],
  ['application/grpc-web', false],
  ['application/grpc;a', false],
  ['application/GRPC', false],
  ['application/grpcx', false],
])('Route grpc match %j → %j', (type, expected) => {
  expect(hits({ grpc: {} }, ['content-type', type])).toBe(expected);
  expect(hits({ grpc: {} })).toBe(false);
});

const tls: readonly (readonly [RouteMatchSettings['tlsContext'], Partial<StreamConnection>, boolean])[] = [
  [{}, {}, true],
  [{ presented: false }, {}, true],
  [{ presented: true }, {}, false],
  [{ validated: false }, {}, true],
  [{ validated: true }, {}, false],
  [{ presented: true }, { peerCertificatePresented: true }, true],
  [{ presented: false }, { peerCertificatePresented: true }, false],
  [{ presented: true, validated: true }, { peerCertificatePresented: true }, false],
  [{ presented: true, validated: true }, { peerCertificatePresented: true, peerCertificateValidated: true }, true],
  [{ validated: false }, { peerCertificatePresented: true, peerCertificateValidated: true }, false],
];

it.each(tls)('Route tls_context match %j with %j → %j', (tlsContext, facts, expected) => {
  const connection = { ...STREAM.connection, ...facts };
  expect(hits({ ...(tlsContext && { tlsContext }) }, [], fakeStream({ connection }))).toBe(expected);
});

it('Route runtime_fraction asks the runtime with the random value of the stream', () => {
  const asked: (readonly [RuntimeFraction, number])[] = [];
  const enabled = (fraction: RuntimeFraction, random: number) => asked.push([fraction, random]) === 1;
  const stream = fakeStream({ random: 77, runtime: { ...STREAM.runtime, enabled } as Runtime });
  const runtimeFraction = { defaultValue: { numerator: 5, denominator: 'TEN_THOUSAND' }, runtimeKey: 'k' } as const;
  expect(hits({ runtimeFraction }, [], stream)).toBe(true);
  expect(hits({ runtimeFraction }, [], stream)).toBe(false);
  expect(asked[0]).toEqual([{ numerator: 5, denominator: 10_000, runtimeKey: 'k' }, 77]);
});

it.each([
  [0, 'HUNDRED', 0, false],
  [1, 'HUNDRED', 0, true],
  [1, 'HUNDRED', 100, true],
  [1, 'HUNDRED', 1, false],
  [100, 'HUNDRED', 99, true],
  [100, 'TEN_THOUSAND', 99, true],
  [100, 'TEN_THOUSAND', 100, false],
  [100, 'MILLION', 1_000_099, true],
  [100, 'MILLION', 1_000_100, false],
] as const)('Route runtime_fraction %i of %s with random %i → %j', (numerator, denominator, random, expected) => {
  expect(hits({ runtimeFraction: { defaultValue: { numerator, denominator } } }, [], fakeStream({ random }))).toBe(
    expected,
  );
});

const value = (given: unknown) => fakeStream({ info: { ...STREAM.info, metadata: new Map([['ns', given]]) } });
const exact = (wanted: string): ValueMatcherSettings => ({ stringMatch: text({ exact: wanted }) });

const metadata: readonly (readonly [ValueMatcherSettings, value: unknown, boolean, why: string])[] = [
  [exact('v'), 'v', true, 'equal'],
  [exact('v'), 'w', false, 'another'],
  [exact('5'), 5, false, 'a number is no text'],
  [exact('v'), undefined, false, 'missing'],
  [{ doubleMatch: { exact: 5 } }, 5, true, 'a number'],
  [{ doubleMatch: { exact: 5 } }, '5', false, 'text is no number'],
  [{ doubleMatch: { range: { start: 2.5, end: 3 } } }, 2.5, true, 'the start is included'],
  [{ doubleMatch: { range: { start: 2.5, end: 3 } } }, 3, false, 'the end is not'],
  [{ boolMatch: true }, true, true, 'a boolean'],
  [{ boolMatch: false }, true, false, 'another'],
  [{ nullMatch: {} }, null, true, 'null'],
  [{ nullMatch: {} }, undefined, false, 'missing is not null'],
  [{ presentMatch: true }, { x: 1 }, true, 'anything'],
  [{ presentMatch: true }, undefined, false, 'but nothing'],
  [{ presentMatch: false }, undefined, false, 'false never matches'],
  [{ presentMatch: false }, 'v', false, 'false never matches'],
  [{ listMatch: { oneOf: exact('b') } }, ['a', 'b'], true, 'one of a list'],
  [{ listMatch: { oneOf: exact('c') } }, ['a', 'b'], false, 'none of a list'],
  [{ listMatch: { oneOf: exact('b') } }, 'b', false, 'not a list'],
  [{ orMatch: { valueMatchers: [{ nullMatch: {} }, exact('v')] } }, 'v', true, 'the second alternative'],
  [{ orMatch: { valueMatchers: [{ nullMatch: {} }, exact('v')] } }, 'w', false, 'no alternative'],
];

describe('Route dynamic_metadata match', () => {
  it.each(metadata)('%j %j → %j: %s', (matcher, given, expected) => {
    const condition = { filter: 'ns', path: [{ key: 'a' }, { key: 'k' }], value: matcher, invert: false };
    const stream = value({ a: given === undefined ? {} : { k: given } });
    expect(hits({ dynamicMetadata: [condition] }, [], stream)).toBe(expected);
    expect(hits({ dynamicMetadata: [{ ...condition, invert: true }] }, [], stream)).toBe(!expected);
  });

  it('Route dynamic_metadata match without the namespace fits inverted conditions only', () => {
    const condition = { filter: 'other', path: [{ key: 'constructor' }], value: { presentMatch: true }, invert: false };
    expect(hits({ dynamicMetadata: [condition] }, [], value({}))).toBe(false);
    expect(hits({ dynamicMetadata: [{ ...condition, filter: 'ns' }] }, [], value({}))).toBe(false);
    expect(hits({ dynamicMetadata: [{ ...condition, invert: true }] }, [], value({}))).toBe(true);
  });
});

it.each([
  [{ stringMatch: text({ prefix: '10.' }) }, '10.1.2.3', true],
  [{ stringMatch: text({ prefix: '11.' }) }, '10.1.2.3', false],
  [{ stringMatch: text({ exact: '5' }) }, 5, true],
  [{ stringMatch: text({ prefix: '1' }) }, undefined, false],
  [{ addressMatch: { ranges: [{ addressPrefix: '10.0.0.0', prefixLen: 8 }], invertMatch: false } }, '10.1.2.3', true],
  [{ addressMatch: { ranges: [{ addressPrefix: '10.0.0.0', prefixLen: 8 }], invertMatch: false } }, '11.1.2.3', false],
  [{ addressMatch: { ranges: [{ addressPrefix: '10.0.0.0', prefixLen: 8 }], invertMatch: true } }, '11.1.2.3', true],
  [{ addressMatch: { ranges: [{ addressPrefix: '::', prefixLen: 0 }], invertMatch: false } }, '::1', true],
  [{ addressMatch: { ranges: [], invertMatch: true } }, 'no address', false],
])('Route filter_state match %j with %j → %j', (matcher, state, expected) => {
  const filterState = new Map(state === undefined ? [] : [['k', state as unknown]]);
  const stream = fakeStream({ info: { ...STREAM.info, filterState } });
  expect(hits({ filterState: [{ key: 'k', ...matcher }] }, [], stream)).toBe(expected);
});

it('Route regex and regex_match of 2018 must match as a whole', () => {
  const table = compile([route('old', { regex: '/a.', headers: [headerMatcher({ regexMatch: 'v+' })] })]);
  const found = (path: string, given: string) => table.route(request(path, 'h', ['x', given]), STREAM)?.name;
  expect([found('/ab', 'vv'), found('/abc', 'vv'), found('/ab', 'vw')]).toEqual(['old', undefined, undefined]);
  const inverted = compile([
    route('r', { prefix: '/', headers: [headerMatcher({ regexMatch: 'v', invertMatch: true })] }),
  ]);
  expect(inverted.route(request('/'), STREAM)).toBeUndefined();
});

describe('Route connect_matcher', () => {
  const connect = (fields: readonly string[] = []) => {
    const head = request('', 'h.test:443', fields);
    head.rawMethod = 'CONNECT';
    return head;
  };

  it('Route connect_matcher matches CONNECT and nothing else', () => {
    const table = compile([route('all', { prefix: '' }), route('tunnel', { connectMatcher: {} })]);
    expect(table.route(connect(), STREAM)?.name).toBe('tunnel');
    expect(table.route(request('/'), STREAM)?.name).toBe('all');
    expect(compile([route('tunnel', { connectMatcher: {} })]).route(request('/'), STREAM)).toBeUndefined();
  });

  it('Route connect_matcher is joined with other conditions, for which a CONNECT has no path', () => {
    const table = compile([
      route('path', { connectMatcher: {}, headers: [headerMatcher({ name: ':path', presentMatch: true })] }),
      route('header', { connectMatcher: {}, headers: [headerMatcher({ exactMatch: '1' })] }),
      route('query', { connectMatcher: {}, queryParameters: [{ name: 'a', presentMatch: false }] }),
    ]);
    expect(table.route(connect(['x', '1']), STREAM)?.name).toBe('header');
    expect(table.route(connect(), STREAM)?.name).toBe('query');
  });
});

const template = (pathTemplate: string) => ({ pathMatchPolicy: { name: 'uri_template', config: { pathTemplate } } });

const parameters: readonly (readonly [path: string, expected: string | undefined])[] = [
  ['/ex', 'ex'],
  ['/ex;a', 'ex'],
  ['/ex;a/b', undefined],
  ['/ex;a?q', 'ex'],
  ['/ex?a;b', 'ex'],
  ['/pre/x;y', 'pre'],
  ['/pre;a/x', 'pre'],
  ['/pre/xy;', 'pre'],
  ['/re/a;b', 're'],
  ['/re/ab;b', undefined],
  ['/tp/a;b', 'tp'],
  ['/tl;a/b', 'tplit'],
  ['/tl/a;x', undefined],
  ['/tl/a', 'tl2'],
  ['/semi;a', undefined],
  ['/sep;a', 'sep'],
  ['/sep;/a', 'sep'],
  ['/sepx;', undefined],
  ['/q;x?a', 'q'],
  ['/q;x?b', undefined],
];

describe.each([0, 20])('RouteTable ignore_path_parameters_in_path_matching with %i more routes', (more) => {
  const routes = [
    route('ex', { path: '/ex' }),
    route('pre', { prefix: '/pre/x' }),
    route('re', { safeRegex: { regex: '/re/a' } }),
    route('tp', template('/tp/{x}')),
    route('tplit', template('/tl;a/{x}')),
    route('tl2', template('/tl/a')),
    route('semi', { prefix: '/semi;a' }),
    route('sep', { pathSeparatedPrefix: '/sep' }),
    route('q', { path: '/q', queryParameters: [{ name: 'a' }] }),
    ...Array.from({ length: more }, (_, i) => route(`more${i}`, { prefix: `/more/${i}` })),
  ];
  const table = compile(settings([host('h', ['*'], routes)], { ignorePathParametersInPathMatching: true }));

  it.each(parameters)('%j → %s', (path, expected) => {
    expect(table.route(request(path), STREAM)?.name).toBe(expected);
  });
});
