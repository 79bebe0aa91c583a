import { expect, expectTypeOf, it } from 'vitest';
import { type RouteConfiguration, routeConfigurationSchema } from '../config/route.ts';
import { request } from './fixtures/settings.ts';
import { STREAM } from './fixtures/stream.ts';
import { compileRoutes } from './route-table.ts';
import type { RouteTableSettings } from './settings.ts';

it('RouteTableSettings takes what the configuration schema yields', () => {
  expectTypeOf<RouteConfiguration>().toExtend<RouteTableSettings>();
});

it('compileRoutes compiles a parsed route configuration', () => {
  const parsed: RouteTableSettings = routeConfigurationSchema.parse({
    name: 'local',
    virtual_hosts: [
      {
        name: 'backend',
        domains: ['*'],
        routes: [
          { match: { prefix: '/service/1' }, route: { cluster: 'service1', timeout: '0s' } },
          { match: { safe_regex: { regex: '/v[0-9]+' } }, redirect: { path_redirect: '/latest' } },
          { match: { prefix: '/' }, direct_response: { status: 404, body: { inline_string: 'no' } } },
        ],
      },
    ],
  });
  const options = { filterSlots: new Map<string, number>(), directBody: () => 'read' };
  const table = compileRoutes(parsed, options);
  expect(table.route(request('/service/1/x'), STREAM)?.action).toMatchObject({ cluster: 'service1', timeoutMs: 0 });
  expect(table.route(request('/v12'), STREAM)?.action).toMatchObject({ kind: 'redirect', status: 301 });
  expect(table.route(request('/other'), STREAM)?.action).toMatchObject({ status: 404, body: 'read' });
});
