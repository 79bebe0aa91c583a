/** Which virtual host takes a request. */
import { prefix, type RouteCases, type Row, type Yaml } from './case.ts';

const hosts = (...domains: readonly (readonly [cluster: string, ...domains: string[]])[]): readonly Yaml[] =>
  domains.map(([cluster, ...names], index) => ({
    name: `v${index}`,
    domains: names,
    routes: [prefix('/', `<${cluster}>`)],
  }));
const asked = (host: string, outcome: string, why: string): Row => [`http://${host}/`, outcome, why];

export const domains: readonly RouteCases[] = [
  {
    name: 'domain-exact',
    virtualHosts: hosts(['a', 'shop.test', 'Mixed.Test'], ['b', 'shop.test:8080'], ['c', '10.0.0.1', '[::1]:80']),
    rows: [
      asked('shop.test', 'a', 'the very name'),
      asked('SHOP.Test', 'a', 'hosts have no case'),
      asked('mixed.test', 'a', 'domains have no case either'),
      asked('shop.test:8080', 'b', 'the port belongs to the host'),
      asked('shop.test:80', '404', 'another port is another host'),
      asked('shop.test.', '404', 'a final dot is not taken off'),
      asked('xshop.test', '404', 'a longer name'),
      asked('shop.tes', '404', 'a shorter name'),
      asked('10.0.0.1', 'c', 'an address is a name like others'),
      asked('10.0.0.1:80', '404', 'an address with a port'),
      asked('[::1]:80', 'c', 'IPv6 with a port'),
      asked('[::1]', '404', 'IPv6 without the port'),
    ],
  },
  {
    name: 'domain-suffix-wildcard',
    virtualHosts: hosts(['a', '*.shop.test'], ['b', '*.eu.shop.test'], ['c', '*-api.shop.test'], ['d', '*.test']),
    rows: [
      asked('www.shop.test', 'a', 'one label'),
      asked('a.b.shop.test', 'a', 'several labels'),
      asked('www.eu.shop.test', 'b', 'the longest suffix wins'),
      asked('eu.shop.test', 'a', 'the wildcard needs a character; the shorter suffix takes it'),
      asked('.eu.shop.test', 'a', 'a name that is only the suffix has nothing for the wildcard'),
      asked('x-api.shop.test', 'c', 'a wildcard need not end at a dot, and the longer text wins'),
      asked('-api.shop.test', 'a', 'nothing left for the longer one'),
      asked('shop.test', 'd', 'the bare name is left to the shorter suffix'),
      asked('WWW.SHOP.TEST', 'a', 'no case'),
      asked('www.shop.test:80', '404', 'the port is at the end of the text'),
      asked('test', '404', 'nothing for the wildcard'),
      asked('other.test', 'd', 'the last resort of the list'),
    ],
  },
  {
    name: 'domain-prefix-wildcard',
    virtualHosts: hosts(['a', 'shop.*'], ['b', 'shop.eu.*'], ['c', 'shop-*']),
    rows: [
      asked('shop.test', 'a', 'one label'),
      asked('shop.test:81', 'a', 'the wildcard takes a port too'),
      asked('shop.eu.test', 'b', 'the longest prefix wins'),
      asked('shop.eu.', 'a', 'nothing left for the longer one'),
      asked('shop.', '404', 'the wildcard needs a character'),
      asked('shop-1', 'c', 'it need not begin at a dot'),
      asked('shop', '404', 'shorter than the prefix'),
      asked('SHOP.X', 'a', 'no case'),
    ],
  },
  {
    name: 'domain-precedence',
    virtualHosts: hosts(['a', '*'], ['b', 'www.*'], ['c', '*.test'], ['d', 'www.shop.test']),
    rows: [
      asked('www.shop.test', 'd', 'exact first'),
      asked('www.other.test', 'c', 'suffix wildcards before prefix wildcards, although the prefix fits as well'),
      asked('www.org', 'b', 'prefix wildcards before the catch-all'),
      asked('other.org', 'a', 'the catch-all'),
      asked('', 'a', 'an empty host'),
    ],
  },
  {
    name: 'domain-no-fallback',
    virtualHosts: [
      { name: 'shop', domains: ['shop.test'], routes: [prefix('/cart', '<a>')] },
      { name: 'wild', domains: ['*.test'], routes: [prefix('/', '<b>')] },
      { name: 'any', domains: ['*'], routes: [prefix('/', '<c>')] },
      { name: 'none', domains: ['none.test'] },
    ],
    rows: [
      ['http://shop.test/cart', 'a', 'a route of the host'],
      ['http://shop.test/other', '404', 'the chosen host has no route, and no other is asked'],
      ['http://www.shop.test/other', 'b', 'another host'],
      ['http://none.test/', '404', 'a virtual host without routes'],
      ['http://x.org/', 'c', 'the catch-all'],
    ],
  },
  {
    name: 'domain-ignore-port',
    virtualHosts: hosts(['a', 'shop.test'], ['b', '*.wild.test'], ['c', '[::1]']),
    table: { ignore_port_in_host_matching: true },
    rows: [
      asked('shop.test:8080', 'a', 'the port is left out'),
      asked('shop.test', 'a', 'there is none'),
      asked('x.wild.test:1', 'b', 'wildcards too'),
      asked('[::1]:80', 'c', 'IPv6: the last colon begins the port'),
      asked('[::1]', 'c', 'IPv6 without a port'),
      asked('shop.test:x', 'a', 'whatever stands behind the colon'),
      asked('shop.test:80:90', '404', 'only behind the last colon'),
    ],
  },
  {
    name: 'domain-several',
    virtualHosts: hosts(['a', 'one.test', 'two.test', '*.three.test'], ['b', 'four.test', '*']),
    rows: [
      asked('one.test', 'a', 'the first of the list'),
      asked('two.test', 'a', 'the second of the list'),
      asked('x.three.test', 'a', 'a wildcard of the list'),
      asked('four.test', 'b', 'exact beside a catch-all'),
      asked('five.test', 'b', 'the catch-all of that list'),
    ],
  },
  {
    name: 'require-tls-all',
    virtualHost: { require_tls: 'ALL' },
    routes: [prefix('/', '<a>')],
    rows: [
      ['http://h.test/x?q=1', '301 https://h.test/x?q=1', 'plain requests are sent to https'],
      ['http://h.test:8080/x', '301 https://h.test:8080/x', 'the port is left as it is'],
      ['POST /x', '301 https://h.test/x', 'whatever the method'],
      ['/nowhere', '301 https://h.test/nowhere', 'routes are not looked at'],
      ['/x', 'a', 'a request over TLS', { headers: { 'x-forwarded-proto': 'https' } }],
      ['/x', '301 https://h.test/x', 'an internal one over plain TCP too', { internal: true }],
    ],
  },
  {
    name: 'require-tls-external',
    virtualHost: { require_tls: 'EXTERNAL_ONLY' },
    routes: [prefix('/x', '<a>')],
    rows: [
      ['/x', '301 https://h.test/x', 'an external request over plain TCP'],
      ['/x', 'a', 'an internal one', { internal: true }],
      ['/y', '404', 'an internal one without a route', { internal: true }],
      ['/x', 'a', 'an external one over TLS', { headers: { 'x-forwarded-proto': 'https' } }],
    ],
  },
  {
    name: 'require-tls-none',
    virtualHost: { require_tls: 'NONE' },
    routes: [prefix('/', '<a>')],
    rows: [['/x', 'a', 'nothing is demanded']],
  },
];
