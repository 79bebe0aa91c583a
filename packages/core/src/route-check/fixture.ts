/** A route table with one route of each kind, and tests of one request. */
import { checkRoutes } from './check-routes.ts';
import type { RouteCheckReport } from './report.ts';

/** A `RouteConfiguration` as a file has it. */
export const ROUTES = {
  name: 'table',
  virtual_hosts: [
    {
      name: 'web',
      domains: ['web.test', 'www.test'],
      virtual_clusters: [
        { name: 'orders', headers: [{ name: ':path', string_match: { prefix: '/orders' } }] },
        { name: 'posts', headers: [{ name: ':method', string_match: { exact: 'POST' } }] },
      ],
      routes: [
        { match: { path: '/ping' }, direct_response: { status: 200, body: { inline_string: 'pong' } } },
        { match: { prefix: '/moved' }, redirect: { path_redirect: '/here', response_code: 'SEE_OTHER' } },
        { match: { prefix: '/was' }, redirect: { prefix_rewrite: '/is' } },
        {
          match: { prefix: '/beta', runtime_fraction: { default_value: { numerator: 0 }, runtime_key: 'beta' } },
          route: { cluster: 'beta' },
        },
        {
          match: { prefix: '/half', runtime_fraction: { default_value: { numerator: 50 }, runtime_key: 'half' } },
          route: { cluster: 'half' },
        },
        {
          match: { prefix: '/share', runtime_fraction: { default_value: { numerator: 50 } } },
          route: { cluster: 'share' },
        },
        {
          match: {
            path: '/meta',
            dynamic_metadata: [{ filter: 'app', path: [{ key: 'tier' }], value: { string_match: { exact: 'gold' } } }],
          },
          route: { cluster: 'gold' },
        },
        { match: { prefix: '/named' }, route: { cluster_header: 'x-cluster' } },
        {
          name: 'split',
          match: { prefix: '/split' },
          route: {
            weighted_clusters: {
              clusters: [
                { name: 'a', weight: 30 },
                { name: 'b', weight: 30 },
                { name: 'c', weight: 40 },
              ],
            },
          },
        },
        {
          name: 'all',
          match: { prefix: '/' },
          route: { cluster: 'all', prefix_rewrite: '/v1/', host_rewrite_literal: 'inner', timeout: '3s' },
          request_headers_to_add: [{ header: { key: 'x-ip', value: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%' } }],
          response_headers_to_add: [{ header: { key: 'x-served', value: 'yes' } }],
        },
      ],
    },
    {
      name: 'secure',
      domains: ['secure.test'],
      require_tls: 'EXTERNAL_ONLY',
      routes: [{ match: { prefix: '/' }, route: { cluster: 'secure' } }],
    },
  ],
};

/** Runs one test: what is not given is `GET http://web.test/`. */
export function one(input: object, validate: object, runtime?: object): RouteCheckReport {
  const test = { test_name: 't', input: { authority: 'web.test', path: '/', ...input }, validate };
  return checkRoutes({ config: ROUTES, tests: { tests: [test], ...(runtime && { runtime }) } });
}
