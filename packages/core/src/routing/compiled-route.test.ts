import { describe, expect, it } from 'vitest';
import { ResponseHead } from '../headers/header-map.ts';
import { addition, compile, forward, headerMatcher, host, request, route, settings } from './fixtures/settings.ts';
import { STREAM } from './fixtures/stream.ts';
import type {
  FilterSettings,
  HeaderAdditionSettings,
  HeaderMutationSettings,
  RouteMatchSettings,
  RouteSettings,
} from './settings.ts';

type Action = NonNullable<HeaderAdditionSettings['appendAction']>;
const append: Action = 'APPEND_IF_EXISTS_OR_ADD';
const absent: Action = 'ADD_IF_ABSENT';
const overwrite: Action = 'OVERWRITE_IF_EXISTS_OR_ADD';
const existing: Action = 'OVERWRITE_IF_EXISTS';

/** The values of `x` after the changes of route, virtual host and table, for requests and responses alike. */
function mutated(levels: readonly Level[], values: readonly string[]): readonly string[] {
  const [own = {}, hostLevel = {}, tableLevel = {}] = levels.map(mutations);
  const routes = [route('r', { prefix: '/' }, { route: forward(), ...own })];
  const found = compile(settings([host('h', ['*'], routes, hostLevel)], tableLevel)).route(request(), STREAM);
  const fields = values.flatMap((value) => ['x', value]);
  const head = request('/', 'h', ['before', '1', ...fields, 'after', '1']);
  const response = new ResponseHead();
  for (const value of values) response.append('X', value);
  found?.finalizeRequest(head, STREAM, true);
  found?.finalizeResponse(response, STREAM);
  expect(response.getAll('x'), 'responses do as requests').toEqual(head.getAll('x'));
  expect(head.get('before') + (head.get('after') ?? '')).toBe('11');
  return head.getAll('x');
}

interface Level {
  readonly add?: readonly HeaderAdditionSettings[];
  readonly remove?: readonly string[];
}

function mutations({ add = [], remove = [] }: Level): HeaderMutationSettings {
  return {
    requestHeadersToAdd: add,
    requestHeadersToRemove: remove,
    responseHeadersToAdd: add,
    responseHeadersToRemove: remove,
  };
}

const x = (value: string, action?: Action) => addition('X', value, action);

// The expected values were compared with Envoy 1.40.
const cases: readonly (readonly [
  levels: readonly Level[],
  before: readonly string[],
  after: readonly string[],
  why: string,
])[] = [
  [[], ['1', '2'], ['1', '2'], 'nothing configured'],
  [[{ add: [x('n')] }], ['1'], ['1', 'n'], 'the default appends'],
  [[{ add: [x('n', append)] }], [], ['n'], 'append adds'],
  [[{ add: [x('n', append)] }], ['1', '2'], ['1', '2', 'n'], 'append keeps all'],
  [[{ add: [x('n', absent)] }], [], ['n'], 'add if absent'],
  [[{ add: [x('n', absent)] }], ['1'], ['1'], 'not when it exists'],
  [[{ add: [x('n', overwrite)] }], [], ['n'], 'overwrite adds'],
  [[{ add: [x('n', overwrite)] }], ['1', '2'], ['n'], 'overwrite leaves one'],
  [[{ add: [x('n', existing)] }], [], [], 'nothing to overwrite'],
  [[{ add: [x('n', existing)] }], ['1', '2'], ['n'], 'overwrite what exists'],
  [[{ add: [{ ...x('n'), append: true }] }], ['1'], ['1', 'n'], 'the deprecated append: true'],
  [[{ add: [{ ...x('n'), append: false }] }], ['1'], ['n'], 'the deprecated append: false'],
  [[{ remove: ['x'] }], ['1', '2'], [], 'remove'],
  [[{ remove: ['X'] }], ['1'], [], 'remove in any case'],
  [[{ remove: ['x'], add: [x('n')] }], ['1'], ['n'], 'removals come first'],
  [[{ remove: ['x'], add: [x('n', absent)] }], ['1'], ['n'], 'and what was removed is absent'],
  [[{ remove: ['x'], add: [x('n', existing)] }], ['1'], [], 'and does not exist'],
  [[{ add: [x('a'), x('o', overwrite)] }], ['1'], ['o', 'a'], 'overwrites come before appends'],
  [[{ add: [x('o', overwrite), x('a', absent)] }], [], ['o', 'a'], 'absence is asked before overwriting'],
  [[{ add: [x('a', absent), x('b', absent)] }], [], ['a', 'b'], 'and before adding'],
  [[{ add: [x('a'), x('o', existing)] }], [], ['a'], 'existence is asked before adding'],
  [[{ add: [x('a', overwrite), x('b', overwrite)] }], ['1'], ['b'], 'the later of two overwrites wins'],
  [[{ add: [x('')] }], ['1'], ['1'], 'an empty value is not added'],
  [[{ add: [x('', overwrite)] }], ['1'], ['1'], 'an empty value does not overwrite'],
  [[{ add: [{ ...x('', overwrite), keepEmptyValue: true }] }], ['1'], [''], 'unless it is to be kept'],
  [[{ add: [x('é')] }], [], ['\xc3\xa9'], 'text goes out as UTF-8'],
  [
    [{ add: [x('r')] }, { add: [x('v')] }, { add: [x('t')] }],
    ['1'],
    ['1', 'r', 'v', 't'],
    'route, virtual host, table',
  ],
  [[{ add: [x('r', overwrite)] }, { add: [x('v', overwrite)] }], [], ['v'], 'the least specific overwrite wins'],
  [[{ add: [x('r', absent)] }, { add: [x('v', absent)] }], [], ['r'], 'the most specific addition wins'],
  [[{ add: [x('r')] }, { remove: ['x'] }], ['1'], [], 'a later level removes what an earlier one added'],
  [[{ remove: ['x'] }, {}, { add: [x('t', absent)] }], ['1'], ['t'], 'each level sees the work of those before'],
];

describe('CompiledRoute header mutations', () => {
  it.each(cases)('%j: %j → %j: %s', (levels, before, after) => {
    expect(mutated(levels, before)).toEqual(after);
  });

  it.each([':path', 'host', 'Host', 'a b', 'a\r\nb'])('compileRoutes refuses to change the header %j', (name) => {
    for (const level of [{ add: [addition(name, 'v')] }, { remove: [name] }]) {
      const routes = [route('r', { prefix: '/' }, mutations(level))];
      expect(() => compile(routes)).toThrow(/^virtual host all, route 0: /);
      expect(() => compile(settings([host('h', ['*'], [], mutations(level))]))).toThrow(/^virtual host h: /);
    }
  });

  it('compileRoutes refuses a header value with a line break', () => {
    const routes = [route('r', { prefix: '/' }, mutations({ add: [addition('a', 'b\r\nc: d')] }))];
    expect(() => compile(routes)).toThrow('invalid value for header a');
  });
});

/** Path, authority and the two `x-envoy-original-…` headers after `finalizeRequest`. */
function rewritten(
  given: Partial<RouteMatchSettings>,
  rewrite: { prefixRewrite?: string; hostRewriteLiteral?: string },
  path: string,
  keepOriginal = true,
) {
  const found = compile([route('r', given, { route: forward(rewrite) })]).route(request(path), STREAM);
  const head = request(path, 'h.test', ['x-envoy-original-path', '/evil', 'x-envoy-original-host', 'evil']);
  found?.finalizeRequest(head, STREAM, keepOriginal);
  return [head.path, head.authority, head.get('x-envoy-original-path'), head.get('x-envoy-original-host')];
}

// The expected values were compared with Envoy 1.40.
const prefixes: readonly (readonly [
  Partial<RouteMatchSettings>,
  rewrite: string,
  path: string,
  expected: string,
  why: string,
])[] = [
  [{ prefix: '/a' }, '/z', '/a', '/z', 'all of it'],
  [{ prefix: '/a' }, '/z', '/a/b?x=1', '/z/b?x=1', 'rest and query stay'],
  [{ prefix: '/a' }, '/z', '/ab', '/zb', 'a prefix may end inside a segment'],
  [{ prefix: '/a' }, '/', '/a/b', '//b', 'text for text, as Envoy does'],
  [{ prefix: '/a/' }, '/', '/a/b', '/b', 'the way to take a prefix off'],
  [{ prefix: '' }, '/p', '/a', '/p/a', 'in front of everything'],
  [{ prefix: '/' }, '/', '/a', '/a', 'the same path'],
  [{ prefix: '/a' }, '/z?q=1', '/a?x', '/z?q=1?x', 'text for text, as Envoy does'],
  [{ prefix: '/A', caseSensitive: false }, '/z', '/a/b', '/z/b', 'in any case'],
  [{ path: '/a' }, '/z', '/a?x', '/z?x', 'exact path, query stays'],
  [{ path: '/A', caseSensitive: false }, '/z', '/a', '/z', 'exact path in any case'],
  [{ pathSeparatedPrefix: '/a' }, '/z', '/a/b', '/z/b', 'whole segments'],
  [{ safeRegex: { regex: '/a.*' } }, '/z', '/a/b?x', '/z?x', 'the whole path of a regular expression'],
  [{ prefix: '/a' }, 'rel', '/a/b', '/rel/b', 'a request target begins with a slash'],
];

describe('CompiledRoute.finalizeRequest', () => {
  it.each(prefixes)('prefix_rewrite %j → %j: %j → %j: %s', (given, prefixRewrite, path, expected) => {
    expect(rewritten(given, { prefixRewrite }, path)).toEqual([expected, 'h.test', path, 'evil']);
    expect(rewritten(given, { prefixRewrite }, path, false)).toEqual([expected, 'h.test', '/evil', 'evil']);
  });

  it('CompiledRoute.finalizeRequest keeps the old host when it sets another', () => {
    const rewrite = { hostRewriteLiteral: 'new.test' };
    expect(rewritten({ prefix: '/' }, rewrite, '/a')).toEqual(['/a', 'new.test', '/evil', 'h.test']);
    expect(rewritten({ prefix: '/' }, rewrite, '/a', false)).toEqual(['/a', 'new.test', '/evil', 'evil']);
  });

  it('CompiledRoute.finalizeRequest rewrites host and path', () => {
    const rewrite = { hostRewriteLiteral: 'new.test', prefixRewrite: '/z' };
    expect(rewritten({ prefix: '/a' }, rewrite, '/a')).toEqual(['/z', 'new.test', '/a', 'h.test']);
  });

  it('CompiledRoute.finalizeRequest changes nothing without settings', () => {
    expect(rewritten({ prefix: '/a' }, {}, '/a')).toEqual(['/a', 'h.test', '/evil', 'evil']);
    expect(rewritten({ prefix: '/a' }, { prefixRewrite: '', hostRewriteLiteral: '' }, '/a')[0]).toBe('/a');
  });

  it('CompiledRoute.finalizeRequest leaves a path alone that a filter has changed to one that does not match', () => {
    const found = compile([route('r', { prefix: '/a' }, { route: forward({ prefixRewrite: '/z' }) })]).route(
      request('/a'),
      STREAM,
    );
    const head = request('/other');
    found?.finalizeRequest(head, STREAM, true);
    expect(head.path).toBe('/other');
    expect(head.has('x-envoy-original-path')).toBe(false);
  });

  it.each([
    [{ prefixRewrite: '/ HTTP/1.1\r\nx: y' }],
    [{ prefixRewrite: '/a b' }],
    [{ hostRewriteLiteral: 'h\r\nx: y' }],
    [{ hostRewriteLiteral: 'a b' }],
  ])('compileRoutes refuses the rewrite %j', (rewrite) => {
    expect(() => compile([route('r', { prefix: '/' }, { route: forward(rewrite) })])).toThrow(
      /invalid (prefix|host)_rewrite/,
    );
  });
});

describe('CompiledRoute.action', () => {
  const action = (rest: Partial<RouteSettings>) =>
    compile([route('r', { prefix: '/' }, rest)]).route(request(), STREAM)?.action;

  it('CompiledRoute.action forwards with defaults', () => {
    expect(action({ route: forward() })).toMatchObject({
      kind: 'forward',
      cluster: 'up',
      clusterNotFoundStatus: 503,
      timeoutMs: 15_000,
      idleTimeoutMs: undefined,
    });
  });

  it.each([
    ['SERVICE_UNAVAILABLE', 503],
    ['NOT_FOUND', 404],
    ['INTERNAL_SERVER_ERROR', 500],
  ] as const)('CompiledRoute.action answers %s with %i', (clusterNotFoundResponseCode, clusterNotFoundStatus) => {
    const settings = forward({ clusterNotFoundResponseCode, timeoutMs: 0, idleTimeoutMs: 7 });
    expect(action({ route: settings })).toMatchObject({ clusterNotFoundStatus, timeoutMs: 0, idleTimeoutMs: 7 });
  });

  it('CompiledRoute.action answers directly', () => {
    const body = { inlineString: 'tea' };
    expect(action({ directResponse: { status: 418, body } })).toEqual({
      kind: 'direct_response',
      status: 418,
      body: 'tea',
    });
    expect(action({ directResponse: { status: 204 } })).toEqual({ kind: 'direct_response', status: 204, body: '' });
  });

  it('compileRoutes names the route whose regular expression is bad', () => {
    const routes = [route('ok', { prefix: '/' }), route('bad', { safeRegex: { regex: '(?=a)' } })];
    expect(() => compile(routes)).toThrow('virtual host all, route 1: invalid perl operator: (?=');
  });

  it('compileRoutes refuses a route without path condition or action', () => {
    expect(() => compile([route('r', {})])).toThrow('needs one of prefix, path, safe_regex, path_separated_prefix');
    const { directResponse: _, ...nothing } = route('r', { prefix: '/' });
    expect(() => compile([nothing])).toThrow('needs one of route, redirect, direct_response');
  });
});

describe('CompiledRoute.filterConfig', () => {
  const filters = (own: FilterSettings, inherited: FilterSettings) => {
    const routes = [route('r', { prefix: '/' }, { typedPerFilterConfig: own })];
    const whole = settings([host('h', ['*'], routes, { typedPerFilterConfig: inherited })]);
    const found = compile(whole, ['other', 'gate']).route(request(), STREAM);
    return [found?.filterConfig(1), found?.filterDisabled(1)];
  };
  const plain = (config: unknown) => ({ gate: { disabled: undefined, config } });

  it.each<readonly [FilterSettings, FilterSettings, readonly unknown[], string]>([
    [{}, {}, [undefined, undefined], 'nothing said'],
    [{}, plain('host'), ['host', false], 'inherited; a configuration enables'],
    [plain('route'), plain('host'), ['route', false], 'the route wins'],
    [{ gate: { disabled: true, config: undefined } }, plain('host'), ['host', true], 'the route only switches'],
    [plain('route'), { gate: { disabled: true, config: undefined } }, ['route', false], 'the route enables again'],
    [{ unknown: { disabled: true, config: 1 } }, {}, [undefined, undefined], 'not in the chain'],
  ])('%j over %j → %j: %s', (own, inherited, expected) => {
    expect(filters(own, inherited)).toEqual(expected);
  });

  it('CompiledRoute.filterConfig is undefined for a filter with an inherited property name', () => {
    const table = compile([route('r', { prefix: '/' })], ['constructor']);
    expect(table.route(request(), STREAM)?.filterConfig(0)).toBeUndefined();
    expect(table.route(request(), STREAM)?.filterDisabled(0)).toBeUndefined();
  });
});

it('CompiledRoute.source leads back to the settings', () => {
  const second = route('second', { prefix: '/', headers: [headerMatcher({})] });
  const table = compile([route('first', { path: '/no' }), second]);
  const found = table.route(request('/', 'h', ['x', '1']), STREAM);
  expect(found?.source).toEqual({ virtualHost: 'all', index: 1, settings: second });
  expect(table.virtualHosts[0]?.routes[1]).toBe(found);
});
