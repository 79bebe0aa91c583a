import { describe, expect, it } from 'vitest';
import { forwarding, parsed } from './fixtures/parsed.ts';
import { request } from './fixtures/settings.ts';
import { fakeStream } from './fixtures/stream.ts';

type Raw = Readonly<Record<string, unknown>>;

const regex = (pattern: string, substitution: string) => ({ pattern: { regex: pattern }, substitution });
const template = (path_template: string) => ({
  path_match_policy: {
    name: 'm',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig',
      path_template,
    },
  },
});
const rewriter = (path_template_rewrite: string) => ({
  path_rewrite_policy: {
    name: 'r',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig',
      path_template_rewrite,
    },
  },
});

function finalized(action: Raw, match: Raw, path: string, headers: readonly string[], keepOriginal = true) {
  const head = request(path, 'h.test', headers);
  const stream = fakeStream({ requestHeaders: head });
  const route = parsed([forwarding(action, { match })]).route(head, stream);
  route?.finalizeRequest(head, stream, keepOriginal);
  return head;
}

// What Envoy 1.40 sends, but for the slash that is put before a path without one.
const paths: readonly [why: string, action: Raw, match: Raw, path: string, expected: string, rewritten?: boolean][] = [
  ['nothing to do', {}, { prefix: '/' }, '/a?q', '/a?q', false],
  ['a prefix', { prefix_rewrite: '/n' }, { prefix: '/a' }, '/a/b?q#f', '/n/b?q#f'],
  ['a whole path', { prefix_rewrite: '/n' }, { path: '/a' }, '/a?q', '/n?q'],
  ['behind a pattern', { prefix_rewrite: '/n' }, { safe_regex: { regex: '/a.*' } }, '/a/b?q', '/n?q'],
  ['a slash is put first', { prefix_rewrite: 'n' }, { prefix: '/a' }, '/a/b', '/n/b'],
  ['a pattern, not in the query', { regex_rewrite: regex('a', 'x') }, { prefix: '/' }, '/a/a?a#a', '/x/x?a#a'],
  ['groups', { regex_rewrite: regex('^/([^/]+)/(.*)$', '/\\2/\\1') }, { prefix: '/' }, '/a/b/c?q', '/b/c/a?q'],
  ['a pattern that does not fit', { regex_rewrite: regex('z', 'x') }, { prefix: '/' }, '/a', '/a'],
  ['an empty result is none', { regex_rewrite: regex('.*', '') }, { prefix: '/' }, '/a?q', '/a?q', false],
  ['a template', rewriter('/{b}/x-{a}.y'), template('/v/{a}/{b=**}'), '/v/1/2/3?q', '/2/3/x-1.y?q'],
  ['a template without variables', rewriter('/x'), template('/v/*'), '/v/1?q', '/x?q'],
  ['a format', { path_rewrite: '/n/%REQ(x-h)%' }, { prefix: '/' }, '/a?q', '/n/v%20w?q'],
  ['a format with a query', { path_rewrite: '/n?x' }, { prefix: '/' }, '/a?q', '/n?x?q'],
  ['a format of the path', { path_rewrite: '%PATH(NQ)%/z' }, { prefix: '/' }, '/a?q', '/a/z?q'],
  ['an empty format is none', { path_rewrite: '%REQ(none)%' }, { prefix: '/' }, '/a?q', '/a?q', false],
];

describe('PathRewrite', () => {
  it.each(paths)('%s', (_, action, match, path, expected, rewritten = true) => {
    const head = finalized(action, match, path, ['x-h', 'v w']);
    expect(head.path).toBe(expected);
    expect(head.get('x-envoy-original-path')).toBe(rewritten ? path : undefined);
    expect(finalized(action, match, path, ['x-h', 'v w'], false).has('x-envoy-original-path')).toBe(false);
  });

  it('leaves a path alone that a filter has changed so that it matches no more', () => {
    const head = request('/a/b', 'h');
    const stream = fakeStream({ requestHeaders: head });
    const route = parsed([forwarding({ prefix_rewrite: '/n' }, { match: { prefix: '/a' } })]).route(head, stream);
    head.path = '/other';
    route?.finalizeRequest(head, stream, true);
    expect([head.path, head.get('x-envoy-original-path')]).toEqual(['/other', undefined]);
  });
});

// What Envoy 1.40 sends.
const hosts: readonly [why: string, action: Raw, headers: readonly string[], host: string, forwarded?: string][] = [
  ['a literal', { host_rewrite_literal: 'n:1' }, [], 'n:1', 'h.test'],
  ['a header', { host_rewrite_header: 'X-H' }, ['x-h', 'n'], 'n', 'h.test'],
  ['the first of several', { host_rewrite_header: 'x-h' }, ['x-h', 'a', 'x-h', 'b'], 'a', 'h.test'],
  ['no header', { host_rewrite_header: 'x-h' }, [], 'h.test'],
  ['an empty header', { host_rewrite_header: 'x-h' }, ['x-h', ''], 'h.test'],
  ['a part of the path', { host_rewrite_path_regex: regex('^/([^/]+).*$', '\\1') }, [], 'a', 'h.test'],
  ['the whole path', { host_rewrite_path_regex: regex('z', '') }, [], '/a/b', 'h.test'],
  ['a format', { host_rewrite: '%REQ(x-h)%.suffix' }, ['x-h', 'n'], 'n.suffix', 'h.test'],
  ['a format without a value', { host_rewrite: '%REQ(x-h)%.suffix' }, [], '-.suffix', 'h.test'],
  ['known to the last proxy', { host_rewrite_literal: 'n' }, ['x-forwarded-host', 'z,h.test'], 'n', 'z,h.test'],
  ['known to another one', { host_rewrite_literal: 'n' }, ['x-forwarded-host', 'z,y'], 'n', 'z,y,h.test'],
  ['behind a space', { host_rewrite_literal: 'n' }, ['x-forwarded-host', 'z, h.test'], 'n', 'z, h.test,h.test'],
  ['left to the router', { auto_host_rewrite: true }, [], 'h.test'],
];

describe('HostRewrite', () => {
  it.each(hosts)('%s', (_, action, headers, host, forwarded) => {
    const head = finalized({ ...action, append_x_forwarded_host: true }, { prefix: '/' }, '/a/b?q', headers);
    expect(head.authority).toBe(host);
    expect(head.get('x-forwarded-host')).toBe(forwarded);
    expect(head.get('x-envoy-original-host')).toBe(forwarded === undefined ? undefined : 'h.test');
    const plain = finalized(action, { prefix: '/' }, '/a/b?q', headers, false);
    expect([plain.authority, plain.has('x-envoy-original-host')]).toEqual([host, false]);
  });
});
