/** Which redirects are followed, and what the request looks like then. Facts of Envoy 1.40. */
import {
  defineTerminalHttpFilter,
  type InternalRedirectPolicy,
  type RequestHeaders,
  type ResponseHeaders,
  route,
  type TerminalStream,
  virtualHost,
} from '@mesh/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ask, closeAfterEach, proxyFor } from '../fixture.ts';
import { followRedirect, type RedirectStats, redirectStats } from './index.ts';
import { redirectTarget } from './target.ts';

closeAfterEach();

const DEFAULTS: InternalRedirectPolicy = {
  maxInternalRedirects: 1,
  statuses: [302],
  allowCrossScheme: false,
  predicates: [],
  responseHeadersToCopy: [],
};

type Answer = Readonly<Record<string, string | readonly string[]>>;

function response(status: number, fields: Answer): ResponseHeaders {
  const getAll = (name: string) => [fields[name] ?? []].flat();
  return { status, getAll, get: (name: string) => getAll(name)[0] } as unknown as ResponseHeaders;
}

const ROUTES = [
  virtualHost('other', {
    domains: ['other'],
    routes: [route('/target', 'upstream', { name: 'target' }), route('/again', 'upstream', { name: 'again' })],
  }),
  virtualHost('rest', { domains: ['*'], routes: [route('/', 'upstream', { name: 'start' })] }),
];

/** What a redirect made of a request. */
interface Result {
  /** Of each redirect, in order. */
  readonly followed: (boolean | undefined)[];
  readonly url: string;
  readonly method: string;
  readonly details: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly counters: readonly string[];
}

/** Sends a request and applies redirects to it, one after the other. */
async function redirects(
  answers: readonly ResponseHeaders[],
  more: Partial<InternalRedirectPolicy> = {},
  request = 'GET /from?q HTTP/1.1\r\nhost: start\r\n\r\n',
): Promise<Result> {
  let result: Result | undefined;
  let stats: RedirectStats | undefined;
  const run = (headers: RequestHeaders, stream: TerminalStream) => {
    const policy = { ...DEFAULTS, ...more };
    const followed = answers.map((each) => followRedirect(policy, headers, each, stream, stats as RedirectStats));
    const counters = Object.entries(stats as RedirectStats).flatMap(([name, { value }]) => (value > 0 ? [name] : []));
    const { scheme, authority, path, method } = headers;
    const url = `${scheme}://${authority}${path}`;
    const { details } = stream.info;
    result = { followed, url, method, details, headers: Object.fromEntries(headers.entries()), counters };
    stream.reply(200);
  };
  const filter = defineTerminalHttpFilter({
    name: 'redirecting',
    config: z.object({}),
    create(_config, context) {
      stats = redirectStats(context.stats);
      return {
        onRequestHeaders: (headers, stream, _state, end) => void (end && run(headers, stream)),
        onRequestData: (_chunk, stream, _state, end) => void (end && run(stream.requestHeaders, stream)),
      };
    },
  });
  const proxy = await proxyFor({ upstream: 9, filters: [filter()], virtualHosts: ROUTES } as never);
  await ask(proxy, request, request.slice(0, request.indexOf(' ')));
  if (result === undefined) throw new Error('the request did not arrive');
  return result;
}

const to = (location: string, more: Answer = {}, status = 302) => response(status, { location, ...more });

describe('a redirect that is followed', () => {
  it('changes the target and keeps the original URL', async () => {
    const result = await redirects([to('http://other/target?x=1#frag')]);
    expect(result).toMatchObject({ followed: [false], url: 'http://other/target?x=1', details: 'internal_redirect' });
    expect(result.headers['x-envoy-original-url']).toBe('http://start/from?q');
    expect(result.headers['x-forwarded-proto']).toBe('http');
  });

  it.each<[name: string, location: string, url: string]>([
    ['user information is dropped', 'http://user:pw@other/target', 'http://other/target'],
    ['the scheme has no case', 'HTTP://other/target', 'http://other/target'],
    ['the path may be missing', 'http://anywhere', 'http://anywhere/'],
    ['a query may stand alone', 'http://anywhere?x=1', 'http://anywhere/?x=1'],
    ['a port stays', 'http://anywhere:80/x', 'http://anywhere:80/x'],
    ['IPv6', 'http://[::1]:80/x', 'http://[::1]:80/x'],
  ])('%s', async (_name, location, url) => {
    expect(await redirects([to(location)])).toMatchObject({ followed: [false], url });
  });

  it('copies the response fields that are named, and removes those that are missing', async () => {
    const more = { responseHeadersToCopy: ['x-copy', 'x-gone', 'x-set'] };
    const request = 'GET / HTTP/1.1\r\nhost: start\r\nx-gone: 1\r\nx-set: old\r\n\r\n';
    const { headers } = await redirects([to('http://other/target', { 'x-copy': 'a', 'x-set': 'new' })], more, request);
    expect([headers['x-copy'], headers['x-gone'], headers['x-set']]).toEqual(['a', undefined, 'new']);
  });

  it('to another scheme needs permission', async () => {
    const result = await redirects([to('https://other/target')], { allowCrossScheme: true });
    expect(result).toMatchObject({ followed: [false], url: 'https://other/target' });
  });
});

describe('303', () => {
  const post = 'POST / HTTP/1.1\r\nhost: start\r\ncontent-length: 5\r\ncontent-type: a/b\r\n\r\nhello';

  it('becomes GET without a body', async () => {
    const result = await redirects([to('http://other/target', {}, 303)], { statuses: [303] }, post);
    expect(result).toMatchObject({ followed: [true], method: 'GET' });
    expect([result.headers['content-length'], result.headers['content-type']]).toEqual([undefined, 'a/b']);
  });

  it('leaves HEAD as it is', async () => {
    const head = 'HEAD / HTTP/1.1\r\nhost: start\r\n\r\n';
    expect(await redirects([to('http://other/target', {}, 303)], {}, head)).toMatchObject({
      followed: [false],
      method: 'HEAD',
    });
  });

  it('is told from 307, which keeps method and body', async () => {
    const result = await redirects([to('http://other/target', {}, 307)], {}, post);
    expect(result).toMatchObject({ followed: [false], method: 'POST' });
    expect(result.headers['content-length']).toBe('5');
  });
});

const LIST = (...allowedRouteNames: string[]) => ({
  name: 'envoy.internal_redirect_predicates.allow_listed_routes',
  config: { allowedRouteNames },
});
const PREVIOUS = { name: 'envoy.internal_redirect_predicates.previous_routes', config: {} };
const SAFE = { name: 'envoy.internal_redirect_predicates.safe_cross_scheme', config: {} };

describe('a redirect that is not followed leaves the request alone', () => {
  it.each<[name: string, answer: ResponseHeaders, more: Partial<InternalRedirectPolicy>, counters: string[]]>([
    ['no location', response(302, {}), {}, []],
    ['an empty one', to(''), {}, ['badLocation']],
    ['a relative one', to('/target'), {}, ['badLocation']],
    ['one without a scheme', to('//other/target'), {}, ['badLocation']],
    ['one without a host', to('http:///target'), {}, ['badLocation']],
    ['one with a blank', to('http://other/targ et'), {}, ['badLocation']],
    ['one with a port that cannot be', to('http://other:99999/target'), {}, ['badLocation']],
    ['one with an empty port', to('http://other:/target'), {}, ['badLocation']],
    ['another scheme', to('https://other/target'), {}, ['unsafeScheme']],
    ['no route', to('http://other/none'), {}, ['noRoute']],
    ['too many', to('http://other/target'), { maxInternalRedirects: 0 }, ['tooMany']],
    ['a route that is not listed', to('http://other/target'), { predicates: [LIST('again')] }, ['predicate']],
    ['http to https', to('https://other/target'), { allowCrossScheme: true, predicates: [SAFE] }, ['predicate']],
  ])('%s', async (_name, answer, more, counters) => {
    const copying = { responseHeadersToCopy: ['location'], ...more };
    const result = await redirects([answer], copying);
    expect(result).toMatchObject({ followed: [undefined], url: 'http://start/from?q', counters });
    expect([result.headers['x-envoy-original-url'], result.headers.location]).toEqual([undefined, undefined]);
  });
});

it('max_internal_redirects counts over the whole exchange', async () => {
  const hop = to('http://other/target');
  const result = await redirects([hop, hop, hop], { maxInternalRedirects: 2 });
  expect([result.followed, result.counters]).toEqual([[false, false, undefined], ['tooMany']]);
});

describe('predicates', () => {
  it('allow_listed_routes lets its routes pass', async () => {
    expect(await redirects([to('http://other/target')], { predicates: [LIST('again', 'target')] })).toMatchObject({
      followed: [false],
    });
  });

  it('previous_routes lets a route lead to another once', async () => {
    const more = { maxInternalRedirects: 9, predicates: [PREVIOUS] };
    const hops = ['target', 'target', 'again', 'again'].map((path) => to(`http://other/${path}`));
    expect((await redirects(hops, more)).followed).toEqual([false, undefined, false, undefined]);
  });
});

it.each([
  ['http://ü/x'],
  ['http://a b/x'],
  ['http://a/\tx'],
  ['http://[::1/x'],
  ['http://a:1:2/x'],
  ['1http://a/x'],
  ['javascript:alert(1)'],
])('redirectTarget refuses %j', (location) => {
  expect(redirectTarget(location)).toBeUndefined();
});
