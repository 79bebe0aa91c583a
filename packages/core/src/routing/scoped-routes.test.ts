import { describe, expect, it } from 'vitest';
import { host, request, route, settings } from './fixtures/settings.ts';
import { STREAM } from './fixtures/stream.ts';
import { compileScopedRoutes, type HeaderValueExtractorSettings } from './scoped-routes.ts';

type Extractor = Partial<HeaderValueExtractorSettings>;

function scoped(extractors: readonly Extractor[], scopes: Readonly<Record<string, readonly string[]>>) {
  const fragments = extractors.map((each) => ({
    headerValueExtractor: { name: 'x-a', elementSeparator: '', ...each },
  }));
  const scopedRouteConfigurations = Object.entries(scopes).map(([name, keys]) => ({
    name,
    key: { fragments: keys.map((stringKey) => ({ stringKey })) },
    routeConfiguration: settings([host(name, ['*'], [route(name, { prefix: '/' })])], { name }),
  }));
  const config = {
    name: 'scoped',
    scopeKeyBuilder: { fragments },
    scopedRouteConfigurationsList: { scopedRouteConfigurations },
  };
  return compileScopedRoutes(config, { filterSlots: new Map(), directBody: () => '' });
}

// The expected values were compared with Envoy 1.40.
const byElement: readonly (readonly [value: string | null, expected: string | undefined])[] = [
  ['k=v1', 'v1'],
  ['a=b;k=v1', 'v1'],
  [';k=v1', 'v1'],
  ['k=v2;k=v1', undefined],
  ['k=v1;k=v2', 'v1'],
  ['k = v1', undefined],
  ['K=v1', undefined],
  ['k=', 'empty'],
  ['k', 'empty'],
  ['k=a=b', 'ab'],
  ['z', undefined],
  ['', undefined],
  [null, undefined],
];

const byIndex: readonly (readonly [fields: readonly string[], expected: string | undefined])[] = [
  [['x-a', 'a,v1', 'x-b', 'b'], 'one'],
  [['x-a', ',v1', 'x-b', 'b'], 'one'],
  [['x-a', 'a,v1,c', 'x-b', 'b'], 'one'],
  [['x-a', 'a, v1', 'x-b', 'b'], undefined],
  [['x-a', 'a,', 'x-b', 'b'], 'empty'],
  [['x-a', 'a,,v1', 'x-b', 'b'], 'empty'],
  [['x-a', 'v1', 'x-b', 'b'], undefined],
  [['x-a', 'a,v1'], undefined],
  [['x-a', 'a,v1', 'x-b', 'b', 'x-b', 'c'], 'one'],
  [['x-a', 'a,v1', 'x-b', 'c', 'x-b', 'b'], undefined],
];

describe('ScopedRoutes', () => {
  it.each(byElement)('ScopedRoutes.route by element %j → %s', (value, expected) => {
    const routes = scoped([{ elementSeparator: ';', element: { separator: '=', key: 'k' } }], {
      v1: ['v1'],
      empty: [''],
      ab: ['a=b'],
    });
    const head = request('/', 'h', value === null ? [] : ['x-a', value]);
    expect(routes.route(head, STREAM)?.name).toBe(expected);
    expect(routes.tableFor(head)?.name).toBe(expected);
  });

  it.each(byIndex)('ScopedRoutes.route by index %j → %s', (fields, expected) => {
    const extractors = [
      { elementSeparator: ',', index: 1 },
      { name: 'X-B', index: 0 },
    ];
    const routes = scoped(extractors, { one: ['v1', 'b'], empty: ['', 'b'] });
    expect(routes.route(request('/', 'h', fields), STREAM)?.name).toBe(expected);
  });

  it('ScopedRoutes.route keeps fragments apart', () => {
    const routes = scoped([{ index: 0 }, { name: 'x-b', index: 0 }], { one: ['ab', 'c'], two: ['a', 'bc'] });
    expect(routes.route(request('/', 'h', ['x-a', 'a', 'x-b', 'bc']), STREAM)?.name).toBe('two');
    expect(routes.route(request('/', 'h', ['x-a', 'abc', 'x-b', '']), STREAM)).toBeUndefined();
  });

  it('ScopedRoutes.tables lists the tables of all scopes', () => {
    expect(scoped([{ index: 0 }], { one: ['1'], two: ['2'] }).tables.map(({ name }) => name)).toEqual(['one', 'two']);
  });
});
