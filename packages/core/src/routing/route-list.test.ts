import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile, headerMatcher, host, request, route, settings } from './fixtures/settings.ts';
import { STREAM } from './fixtures/stream.ts';
import { IndexedRoutes, routeList, ScannedRoutes } from './route-list.ts';
import type { RouteMatchSettings, RouteSettings } from './settings.ts';

function compiled(routes: readonly RouteSettings[]) {
  return compile(routes).virtualHosts[0]?.routes ?? [];
}

// Few letters, so that prefixes, duplicates and near misses are common.
const path = fc.stringMatching(/^\/[abB/]{0,5}$/);
const pathMatch: fc.Arbitrary<Partial<RouteMatchSettings>> = fc.oneof(
  path.map((prefix) => ({ prefix })),
  path.map((exact) => ({ path: exact })),
  path.map((pathSeparatedPrefix) => ({ pathSeparatedPrefix })),
  path.map((text) => ({ safeRegex: { regex: `${text}.?` } })),
  path.map((text) => ({ safeRegex: { regex: `${text}b*` } })),
  fc.constantFrom('/{x}', '/a/{x}', '/a{x}', '/**', '/a/**/b', '/a;b/{x}', '/b').map((pathTemplate) => ({
    pathMatchPolicy: { name: 't', config: { pathTemplate } },
  })),
  fc.constant({ prefix: '' }),
);
const routeSettings = fc
  .tuple(pathMatch, fc.boolean(), fc.option(fc.constantFrom('1', '2')), fc.boolean())
  .map(([text, caseSensitive, header, query]) =>
    route('r', {
      ...text,
      caseSensitive,
      headers: header === null ? [] : [headerMatcher({ exactMatch: header })],
      queryParameters: query ? [{ name: 'q' }] : [],
    }),
  );
const target = fc
  .tuple(path, fc.constantFrom('', '?q', '?z', '/c', '#f', ';b', ';b/a', ';?q', '?;'))
  .map((parts) => parts.join(''));
const fields = fc.constantFrom([], ['x', '1'], ['x', '2']);

describe('IndexedRoutes', () => {
  it('IndexedRoutes.find agrees with asking each route in turn', () => {
    const property = fc.property(
      fc.array(routeSettings, { maxLength: 40 }),
      fc.boolean(),
      fc.array(fc.tuple(target, fields), { minLength: 1, maxLength: 20 }),
      (list, ignorePathParametersInPathMatching, requests) => {
        const whole = settings([host('h', ['*'], list)], { ignorePathParametersInPathMatching });
        const routes = compile(whole).virtualHosts[0]?.routes ?? [];
        const indexed = new IndexedRoutes(routes, ignorePathParametersInPathMatching);
        const scanned = new ScannedRoutes(routes);
        for (const [wanted, lines] of requests) {
          const head = request(wanted, 'h.test', lines);
          expect(indexed.find(head, STREAM)).toBe(scanned.find(head, STREAM));
        }
      },
    );
    fc.assert(property, { numRuns: 250 });
  });

  it('IndexedRoutes.find keeps list order across kinds', () => {
    const table = compiled([
      route('long', { prefix: '/a/b/c' }),
      route('regex', { safeRegex: { regex: '/a/b/.' } }),
      route('short', { prefix: '/a' }),
      route('exact', { path: '/a/b/d' }),
      route('separated', { pathSeparatedPrefix: '/x' }),
      route('folded', { prefix: '/X', caseSensitive: false }),
    ]);
    const list = new IndexedRoutes(table);
    const found = (wanted: string) => list.find(request(wanted), STREAM)?.name;
    expect(found('/a/b/c')).toBe('long');
    expect(found('/a/b/d')).toBe('regex');
    expect(found('/a/b/dd')).toBe('short');
    expect(found('/x/y')).toBe('separated');
    expect(found('/xy')).toBe('folded');
    expect(found('/q')).toBeUndefined();
  });
});

describe('routeList', () => {
  const numbered = (count: number) => Array.from({ length: count }, (_, i) => route(`r${i}`, { prefix: `/s/${i}/` }));

  it('routeList scans short lists and indexes long ones', () => {
    expect(routeList(compiled(numbered(15)))).toBeInstanceOf(ScannedRoutes);
    expect(routeList(compiled(numbered(16)))).toBeInstanceOf(IndexedRoutes);
  });

  it('routeList asks only a few of ten thousand routes', () => {
    const routes = compiled(numbered(10_000));
    let asked = 0;
    const counted = routes.map(({ path, conditions }) => ({
      path,
      conditions: {
        matchesIndexed(...args: Parameters<typeof conditions.matchesIndexed>) {
          asked++;
          return conditions.matchesIndexed(...args);
        },
      },
    }));
    const list = routeList(counted as unknown as typeof routes);
    expect(list.find(request('/s/9876/x'), STREAM)).toBe(counted[9876]);
    expect(list.find(request('/t'), STREAM)).toBeUndefined();
    expect(asked).toBe(1);
  });
});
