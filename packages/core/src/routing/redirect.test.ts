import { describe, expect, it } from 'vitest';
import { isFieldValue } from '../headers/validate.ts';
import type { RedirectSettings } from './action-settings.ts';
import { compile, match, redirect, request, route } from './fixtures/settings.ts';
import { STREAM } from './fixtures/stream.ts';
import { Redirect } from './redirect.ts';
import { RouteConditions } from './route-conditions.ts';
import type { RouteMatchSettings } from './settings.ts';

const prefix = { prefix: '/a' };

// The expected values were compared with Envoy 1.40.
const cases: readonly (readonly [
  settings: Partial<RedirectSettings>,
  url: string,
  location: string,
  why: string,
  given?: Partial<RouteMatchSettings>,
])[] = [
  [{}, 'h.test/a?x=1', 'http://h.test/a?x=1', 'nothing to change'],
  [{ httpsRedirect: true }, 'h.test/a/b?x=1', 'https://h.test/a/b?x=1', 'scheme only'],
  [{ httpsRedirect: false }, 'h.test/a', 'http://h.test/a', 'switched off'],
  [{ httpsRedirect: true }, 'h.test:80/a', 'https://h.test/a', 'the default port of the old scheme goes'],
  [{ httpsRedirect: true }, 'h.test:443/a', 'https://h.test:443/a', 'that of the new scheme stays'],
  [{ httpsRedirect: true }, 'h.test:8080/a', 'https://h.test:8080/a', 'others stay'],
  [{ httpsRedirect: true }, '[::1]:80/a', 'https://[::1]/a', 'IPv6 with a port'],
  [{ httpsRedirect: true }, '[::1]/a', 'https://[::1]/a', 'the colons of an address are no port'],
  [{ schemeRedirect: 'ftp' }, 'h.test:80/a', 'ftp://h.test/a', 'any scheme'],
  [{ schemeRedirect: 'http' }, 'h.test:80/a', 'http://h.test:80/a', 'the same scheme keeps the port'],
  [{ hostRedirect: 'n.test' }, 'h.test:8080/a', 'http://n.test/a', 'host, without the old port'],
  [{ hostRedirect: 'n.test:99' }, 'h.test/a', 'http://n.test:99/a', 'host with a port'],
  [{ portRedirect: 99 }, 'h.test:8080/a', 'http://h.test:99/a', 'port'],
  [{ portRedirect: 99 }, '[::1]:80/a', 'http://[::1]:99/a', 'port after IPv6'],
  [{ portRedirect: 80 }, 'h.test/a', 'http://h.test:80/a', 'a default port is written too'],
  [{ portRedirect: 0 }, 'h.test:80/a', 'http://h.test:80/a', 'zero is not given'],
  [{ portRedirect: 443, httpsRedirect: true }, 'h.test:80/a', 'https://h.test:443/a', 'port and scheme'],
  [{ hostRedirect: 'n.test', portRedirect: 99 }, 'h.test:1/a', 'http://n.test:99/a', 'host and port'],
  [{ pathRedirect: '/n' }, 'h.test/a/b', 'http://h.test/n', 'whole path'],
  [{ pathRedirect: '/n' }, 'h.test/a?x=1', 'http://h.test/n?x=1', 'keeps the query'],
  [{ pathRedirect: '/n', stripQuery: true }, 'h.test/a?x=1', 'http://h.test/n', 'unless stripped'],
  [{ pathRedirect: '/n?q=2' }, 'h.test/a?x=1', 'http://h.test/n?q=2', 'its own query replaces'],
  [{ pathRedirect: '/n?q=2', stripQuery: true }, 'h.test/a?x=1', 'http://h.test/n?q=2', 'and is not stripped'],
  [{ pathRedirect: 'rel' }, 'h.test/a', 'http://h.test/rel', 'the missing slash is put in'],
  [{ pathRedirect: '' }, 'h.test/a', 'http://h.test/a', 'empty is not given'],
  [{ pathRedirect: '/n#f' }, 'h.test/a', 'http://h.test/n#f', 'fragment'],
  [{ prefixRewrite: '/n' }, 'h.test/a/b?x=1', 'http://h.test/n/b?x=1', 'prefix, keeps rest and query'],
  [{ prefixRewrite: '/n', stripQuery: true }, 'h.test/a/b?x=1', 'http://h.test/n/b', 'query stripped'],
  [{ prefixRewrite: '/n?q=2' }, 'h.test/a?x=1', 'http://h.test/n?q=2?x=1', 'text for text, as Envoy does'],
  [{ prefixRewrite: '/n?q=2', stripQuery: true }, 'h.test/a?x=1', 'http://h.test/n', 'all queries stripped'],
  [{ prefixRewrite: '/' }, 'h.test/a/b', 'http://h.test//b', 'text for text, as Envoy does'],
  [{ prefixRewrite: 'rel' }, 'h.test/a/b', 'http://h.test/rel/b', 'the missing slash is put in'],
  [{ prefixRewrite: '' }, 'h.test/a', 'http://h.test/a', 'empty is not given'],
  [{ prefixRewrite: '/n' }, 'h.test/a?x=1', 'http://h.test/n?x=1', 'exact path', { path: '/a' }],
  [{ prefixRewrite: '/n' }, 'h.test/a/b?x', 'http://h.test/n?x', 'regex: whole path', { safeRegex: { regex: '/a.*' } }],
  [{ prefixRewrite: '/n' }, 'h.test/a/b', 'http://h.test/n/b', 'separated prefix', { pathSeparatedPrefix: '/a' }],
  [{ stripQuery: true }, 'h.test/a?x=1', 'http://h.test/a', 'strip only'],
  [{}, 'h.test/a?u=%0d%0aset-cookie:q', 'http://h.test/a?u=%0d%0aset-cookie:q', 'what is encoded stays encoded'],
  [{}, 'h.test/a%2f%C3%a9', 'http://h.test/a%2f%C3%a9', 'what is encoded stays as it is written'],
];

function locate(
  settings: Partial<RedirectSettings>,
  path: string,
  authority: string,
  given: Partial<RouteMatchSettings>,
) {
  return new Redirect(redirect(settings), new RouteConditions(match(given))).location(request(path, authority), STREAM);
}

describe('Redirect.location', () => {
  for (const [settings, url, location, why, given = prefix] of cases) {
    it(`${JSON.stringify(settings)} ${url} → ${location}: ${why}`, () => {
      const slash = url.indexOf('/');
      expect(locate(settings, url.slice(slash), url.slice(0, slash), given)).toBe(location);
    });
  }

  it('Redirect.location judges the port by x-forwarded-proto', () => {
    const toHttps = new Redirect(redirect({ httpsRedirect: true }), new RouteConditions(match(prefix)));
    expect(toHttps.location(request('/a', 'h.test:80', ['x-forwarded-proto', 'https']), STREAM)).toBe(
      'https://h.test:80/a',
    );
    const toHttp = new Redirect(redirect({ schemeRedirect: 'http' }), new RouteConditions(match(prefix)));
    expect(toHttp.location(request('/a', 'h.test:443', ['x-forwarded-proto', 'https']), STREAM)).toBe(
      'http://h.test/a',
    );
  });

  const nasty = ['\r\nset-cookie: a=b', '\n', '\0', '\x7f', ' ', '\t', '\u2028', '\u{1f600}'];
  it.each(nasty.map((text) => [text]))('Redirect.location encodes %j wherever it comes from', (text) => {
    const settings: readonly Partial<RedirectSettings>[] = [
      {},
      { hostRedirect: `n${text}` },
      { schemeRedirect: `s${text}` },
      { pathRedirect: `/n${text}` },
      { prefixRewrite: `/n${text}` },
    ];
    for (const each of settings) {
      const location = locate(each, `/a${text}?q${text}`, `h${text}`, prefix);
      expect(isFieldValue(location), location).toBe(true);
      expect(location).not.toMatch(/[\t ]/);
    }
    expect(locate({}, `/a${text}`, 'h.test', prefix)).toBe(`http://h.test/a${percentEncoded(text)}`);
  });
});

function percentEncoded(text: string): string {
  // encodeURIComponent leaves letters alone; what follows the line break is legal and stays.
  return text.replace(/[^!-~]/gu, (character) => encodeURIComponent(character));
}

it.each([
  ['MOVED_PERMANENTLY', 301],
  ['FOUND', 302],
  ['SEE_OTHER', 303],
  ['TEMPORARY_REDIRECT', 307],
  ['PERMANENT_REDIRECT', 308],
] as const)('Redirect.status of %s is %i', (responseCode, status) => {
  const table = compile([route('r', prefix, { redirect: redirect({ responseCode }) })]);
  expect(table.route(request('/a'), STREAM)?.action).toMatchObject({ kind: 'redirect', status });
});
