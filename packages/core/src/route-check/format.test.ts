import { describe, expect, it } from 'vitest';
import { checkRoutes } from './check-routes.ts';
import { ROUTES } from './fixture.ts';
import { formatRouteCheck } from './format.ts';

const tests = [
  {
    test_name: 'good',
    input: { authority: 'web.test', path: '/' },
    validate: { cluster_name: 'all', code_redirect: 0 },
  },
  {
    test_name: 'bad',
    input: { authority: 'web.test', path: '/ping' },
    validate: { cluster_name: 'all', code_redirect: 200 },
  },
];
const report = checkRoutes({ config: ROUTES, tests: { tests } });

describe('formatRouteCheck', () => {
  it('prints each failed expectation beside what was seen', () => {
    expect(formatRouteCheck(report)).toBe(`FAIL  bad (virtual host web, route 1)
    ! cluster_name: expected "all", got ""
1 of 2 tests pass
`);
  });

  it('details prints all', () => {
    expect(formatRouteCheck(report, { details: true })).toBe(`pass  good (virtual host web, route 10 "all")
      cluster_name: "all"
      code_redirect: 0
FAIL  bad (virtual host web, route 1)
    ! cluster_name: expected "all", got ""
      code_redirect: 200
1 of 2 tests pass
`);
  });

  it('onlyShowFailures leaves out what passes', () => {
    const text = formatRouteCheck(report, { details: true, onlyShowFailures: true });
    expect(text).not.toContain('good');
    expect(text).toContain('FAIL  bad');
  });

  it('coverage names the routes that no test touches, with their places', () => {
    const text = formatRouteCheck(report, { coverage: true });
    expect(text).toContain('Current route coverage: 15.385% (2 of 13 routes are touched)\n');
    expect(text).toMatch(/ {2}not tested: virtual host web, route 2: prefix "\/moved" {2}\(routes.json:\d+:\d+\)\n/);
    expect(text).toMatch(/ {2}not tested: virtual host web, route 9 "split": prefix "\/split", cluster a {2}\(/);
  });

  it('allFields prints the share of all fields', () => {
    expect(formatRouteCheck(report, { allFields: true })).toContain('Current route coverage: 5.385% (');
  });
});
