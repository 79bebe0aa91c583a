import { describe, expect, it } from 'vitest';
import type { RouteRateLimits } from '../api/route.ts';
import { forwarding, parsed } from './fixtures/parsed.ts';
import { request } from './fixtures/settings.ts';
import { fakeStream } from './fixtures/stream.ts';
import { maskedAddress } from './masked-address.ts';

type Raw = Readonly<Record<string, unknown>>;

const metadata = new Map<string, unknown>([
  ['ns', { a: { b: 'found', n: 1 }, limit: { requests_per_unit: 4, unit: 'HOUR' } }],
]);
const head = request('/p?q=%41b&empty=', 'h.test', ['x-a', 'one', 'x-a', 'two', 'x-cluster', 'by-header', 'x-n', '12']);
const key = (...path: readonly string[]) => ({ key: 'ns', path: path.map((each) => ({ key: each })) });

function streamOf(action: Raw, clientIp = '10.1.2.3') {
  const routes = [forwarding(action, { metadata: { filter_metadata: { ns: { a: { b: 'of route' } } } } })];
  const info = { clientIp, metadata, filterState: new Map() };
  const stream = { requestHeaders: head, info, route: undefined as unknown };
  stream.route = parsed(routes).route(head, fakeStream(stream as never));
  return fakeStream(stream as never);
}

function descriptors(limit: Raw, clientIp?: string, action: Raw = {}, stage = 0) {
  const stream = streamOf({ rate_limits: [limit], ...action }, clientIp);
  const limits = stream.route?.rateLimits as RouteRateLimits;
  return limits.route?.descriptors(stream, stage, 'local-service') ?? [];
}

/** `key=value` of each entry; `undefined` when there is no descriptor. */
function entries(actions: readonly Raw[], clientIp?: string, action?: Raw) {
  const [descriptor] = descriptors({ actions }, clientIp, action);
  return descriptor?.entries.map((entry) => `${entry.key}=${entry.value}`);
}

const generic = { generic_key: { descriptor_value: 'v' } };
const exact = (name: string, value: string) => [{ name, string_match: { exact: value } }];

describe('compileRateLimitAction', () => {
  it.each<[string, Raw, readonly string[] | undefined, (string | undefined)?, Raw?]>([
    ['the local service', { source_cluster: {} }, ['source_cluster=local-service']],
    ['the cluster', { destination_cluster: {} }, ['destination_cluster=c']],
    [
      'the cluster of a header',
      { destination_cluster: {} },
      ['destination_cluster=by-header'],
      undefined,
      { cluster_header: 'x-cluster' },
    ],
    ['the first line of a header', { request_headers: { header_name: 'X-A', descriptor_key: 'k' } }, ['k=one']],
    ['no header', { request_headers: { header_name: 'no', descriptor_key: 'k' } }, undefined],
    ['no header, skipped', { request_headers: { header_name: 'no', descriptor_key: 'k', skip_if_absent: true } }, []],
    ['a parameter', { query_parameters: { query_parameter_name: 'q', descriptor_key: 'k' } }, ['k=Ab']],
    ['an empty parameter', { query_parameters: { query_parameter_name: 'empty', descriptor_key: 'k' } }, undefined],
    [
      'no parameter, skipped',
      { query_parameters: { query_parameter_name: 'no', descriptor_key: 'k', skip_if_absent: true } },
      [],
    ],
    ['the client', { remote_address: {} }, ['remote_address=10.1.2.3']],
    ['no address', { remote_address: {} }, undefined, ''],
    ['its network', { masked_remote_address: { v4_prefix_mask_len: 16 } }, ['masked_remote_address=10.1.0.0/16']],
    ['its whole address', { masked_remote_address: {} }, ['masked_remote_address=10.1.2.3/32']],
    [
      'its IPv6 network',
      { masked_remote_address: { v6_prefix_mask_len: 32 } },
      ['masked_remote_address=2001:db8::/32'],
      '2001:db8:1::5',
    ],
    [
      'a client in a range',
      {
        remote_address_match: {
          descriptor_value: 'v',
          address_matcher: { ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] },
        },
      },
      ['remote_address_match=v'],
    ],
    [
      'a client outside',
      {
        remote_address_match: {
          descriptor_value: 'v',
          address_matcher: { ranges: [{ address_prefix: '11.0.0.0', prefix_len: 8 }] },
        },
      },
      undefined,
    ],
    ['a key', generic, ['generic_key=v']],
    ['a named key', { generic_key: { descriptor_value: 'v%', descriptor_key: 'k' } }, ['k=v%']],
    [
      'a header that fits',
      { header_value_match: { descriptor_value: 'v', headers: exact('x-a', 'one') } },
      ['header_match=v'],
    ],
    [
      'a header that does not',
      { header_value_match: { descriptor_value: 'v', headers: exact('x-a', 'z') } },
      undefined,
    ],
    [
      'a header that must not',
      {
        header_value_match: {
          descriptor_value: 'v',
          descriptor_key: 'k',
          expect_match: false,
          headers: exact('x-a', 'z'),
        },
      },
      ['k=v'],
    ],
    [
      'a parameter that fits',
      { query_parameter_value_match: { descriptor_value: 'v', query_parameters: [{ name: 'q' }] } },
      ['query_match=v'],
    ],
    [
      'a parameter that must not',
      {
        query_parameter_value_match: { descriptor_value: 'v', expect_match: false, query_parameters: [{ name: 'q' }] },
      },
      undefined,
    ],
    ['metadata', { metadata: { descriptor_key: 'k', metadata_key: key('a', 'b') } }, ['k=found']],
    ['the old name of it', { dynamic_metadata: { descriptor_key: 'k', metadata_key: key('a', 'b') } }, ['k=found']],
    [
      'metadata of the route',
      { metadata: { descriptor_key: 'k', metadata_key: key('a', 'b'), source: 'ROUTE_ENTRY' } },
      ['k=of route'],
    ],
    ['metadata that is no text', { metadata: { descriptor_key: 'k', metadata_key: key('a', 'n') } }, undefined],
    [
      'no metadata, with a default',
      { metadata: { descriptor_key: 'k', metadata_key: key('no'), default_value: 'd' } },
      ['k=d'],
    ],
    [
      'no metadata, skipped',
      { metadata: { descriptor_key: 'k', metadata_key: key('toString'), skip_if_absent: true } },
      [],
    ],
  ])('%s', (_, action, expected, clientIp, forward) => {
    expect(entries([action], clientIp, forward)).toEqual(expected);
  });

  it('one action without a value takes the whole descriptor away; a skipped one does not', () => {
    expect(entries([generic, { request_headers: { header_name: 'no', descriptor_key: 'k' } }])).toBeUndefined();
    const skipped = { request_headers: { header_name: 'no', descriptor_key: 'k', skip_if_absent: true } };
    expect(entries([generic, skipped, { source_cluster: {} }])).toEqual([
      'generic_key=v',
      'source_cluster=local-service',
    ]);
  });
});

describe('RateLimits', () => {
  it('says the rest of a descriptor', () => {
    expect(descriptors({ actions: [generic] })).toEqual([
      {
        entries: [{ key: 'generic_key', value: 'v' }],
        limit: undefined,
        hitsAddend: undefined,
        isNegativeHits: false,
        disableKey: '',
        applyOnStreamDone: false,
        xRateLimitHeaders: undefined,
      },
    ]);
    const limit = {
      actions: [generic],
      stage: 3,
      disable_key: 'off',
      limit: { rate_limit: { requests_per_unit: 2, unit: 'SECOND' } },
      hits_addend: { number: '7', is_negative_hits: true },
      apply_on_stream_done: true,
      x_ratelimit_option: 'OFF',
    };
    expect(descriptors(limit)).toEqual([]);
    expect(descriptors(limit, undefined, {}, 3)).toMatchObject([
      {
        limit: { requestsPerUnit: 2, unit: 'SECOND' },
        hitsAddend: 7,
        isNegativeHits: true,
        disableKey: 'off',
        applyOnStreamDone: true,
        xRateLimitHeaders: false,
      },
    ]);
  });

  it('takes a limit from metadata, and hits from a format, where they are well formed', () => {
    const from = (...path: readonly string[]) =>
      descriptors({ actions: [generic], limit: { dynamic_metadata: { metadata_key: key(...path) } } })[0]?.limit;
    expect(from('limit')).toEqual({ requestsPerUnit: 4, unit: 'HOUR' });
    expect(from('a')).toBeUndefined();
    const hits = (format: string) => descriptors({ actions: [generic], hits_addend: { format } })[0]?.hitsAddend;
    expect(hits('%REQ(x-a)%')).toBeUndefined();
    expect(hits('%REQ(none)%')).toBeUndefined();
    expect(hits('%REQ(none?x-n)%')).toBe(12);
  });

  it('a route tells those of its virtual host apart from its own', () => {
    const limits = { rate_limits: [{ actions: [generic] }] };
    const find = (action: Raw, host: Raw) => parsed([forwarding(action)], host).route(head, fakeStream())?.rateLimits;
    expect(find({}, {})).toBeUndefined();
    expect(find({}, limits)).toMatchObject({ route: undefined, virtualHost: {}, includesVirtualHost: false });
    expect(find({ ...limits, include_vh_rate_limits: true }, {})).toMatchObject({
      route: {},
      includesVirtualHost: true,
    });
  });
});

describe('maskedAddress', () => {
  it.each([
    ['255.255.255.255', 0, '0.0.0.0/0'],
    ['10.20.30.40', 12, '10.16.0.0/12'],
    ['::1', 128, '::1/128'],
    ['2001:db8:ffff::1', 36, '2001:db8:f000::/36'],
    ['::ffff:1.2.3.4', 128, '::ffff:102:304/128'],
    ['fe80::1:2:3:4', 64, 'fe80::/64'],
  ])('%s with %i bits', (ip, bits, expected) => {
    expect(maskedAddress(ip, bits)).toBe(expected);
  });
});
