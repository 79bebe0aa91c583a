import { describe, expect, it } from 'vitest';
import type { ForwardAction } from '../api/route.ts';
import type { Runtime } from '../api/runtime.ts';
import { forwarding, parsed } from './fixtures/parsed.ts';
import { request } from './fixtures/settings.ts';
import { fakeStream } from './fixtures/stream.ts';

const even = ['c0', 'c1', 'c2', 'c3'].map((name) => ({ name, weight: 1 }));

type Fields = Readonly<Record<string, unknown>>;

function chosen(weighted: Fields, headers: readonly string[] = [], stream: Fields = {}, action: Fields = {}) {
  const table = parsed([forwarding({ weighted_clusters: weighted, ...action })]);
  const head = request('/', 'h', headers);
  const route = table.route(head, fakeStream({ requestHeaders: head, ...stream }));
  return (route?.action as ForwardAction | undefined)?.cluster;
}

function weightsFrom(values: Readonly<Record<string, number>>): Runtime {
  return { integer: (key: string, fallback: number) => values[key] ?? fallback } as Runtime;
}

describe('WeightedChoice', () => {
  it.each([
    [0, 'a'],
    [1, 'a'],
    [2, 'b'],
    [4, 'b'],
    [5, 'a'],
    [2 ** 53 - 1, 'a'],
  ])('takes the interval of random %i modulo the sum', (random, expected) => {
    const clusters = [
      { name: 'a', weight: 2 },
      { name: 'none', weight: 0 },
      { name: 'b', weight: 3 },
    ];
    expect(chosen({ clusters }, [], { random })).toBe(expected);
  });

  // The choices were compared with Envoy 1.40.
  it.each([
    ['0', 'c0', 'a number'],
    ['5', 'c1', 'modulo the sum'],
    ['18446744073709551615', 'c3', 'all 64 bits'],
    ['+3', 'c3', 'a sign'],
    ['003', 'c3', 'leading zeros'],
    ['18446744073709551616', 'c2', 'too large: the random value'],
    ['-1', 'c2', 'negative: the random value'],
    ['3a', 'c2', 'no number: the random value'],
    ['0x3', 'c2', 'only decimal: the random value'],
    ['', 'c2', 'empty: the random value'],
  ])('header_name with %j chooses %s (%s)', (value, expected) => {
    expect(chosen({ clusters: even, header_name: 'X-R' }, ['x-r', value], { random: 2 })).toBe(expected);
  });

  it('header_name with two lines, or none, takes the random value', () => {
    expect(chosen({ clusters: even, header_name: 'x-r' }, ['x-r', '1', 'x-r', '1'], { random: 2 })).toBe('c2');
    expect(chosen({ clusters: even, header_name: 'x-r' }, [], { random: 2 })).toBe('c2');
  });

  it('runtime_key_prefix replaces weights, also all of them by 0', () => {
    const weighted = { clusters: even, runtime_key_prefix: 'w' };
    const one = weightsFrom({ 'w.c0': 0, 'w.c1': 0, 'w.c3': 0 });
    expect(chosen(weighted, [], { random: 0, runtime: one })).toBe('c2');
    const none = weightsFrom({ 'w.c0': 0, 'w.c1': 0, 'w.c2': 0, 'w.c3': 0 });
    expect(chosen(weighted, [], { runtime: none })).toBeUndefined();
    const tooMuch = weightsFrom({ 'w.c0': 0xffff_ffff });
    expect(chosen(weighted, [], { runtime: tooMuch })).toBeUndefined();
  });

  // xxHash64 of the value modulo 4, as Envoy 1.40 chose.
  it.each([
    ['a', 'c3'],
    ['c', 'c1'],
    ['d', 'c0'],
    ['x'.repeat(33), 'c2'],
  ])('use_hash_policy chooses by the hash of %j', (value, expected) => {
    const policies = { hash_policy: [{ header: { header_name: 'x-k' } }] };
    expect(chosen({ clusters: even, use_hash_policy: true }, ['x-k', value], {}, policies)).toBe(expected);
  });

  it('use_hash_policy without a hash takes the random value and makes no cookie', () => {
    const policies = { hash_policy: [{ cookie: { name: 'k', ttl: '0s' } }] };
    expect(chosen({ clusters: even, use_hash_policy: true }, [], { random: 2 }, policies)).toBe('c2');
  });

  it('an entry brings its cluster header, metadata, host and header changes; its changes come first', () => {
    const add = (value: string) => [{ header: { key: 'x', value } }];
    const entry = {
      cluster_header: 'X-C',
      weight: 1,
      metadata_match: { filter_metadata: { 'envoy.lb': { b: 2 } } },
      host_rewrite_literal: 'entry.host',
      request_headers_to_add: add('entry'),
    };
    const action = {
      weighted_clusters: { clusters: [entry] },
      metadata_match: { filter_metadata: { 'envoy.lb': { a: 1, b: 1 } } },
      append_x_forwarded_host: true,
    };
    const rest = { request_headers_to_add: add('route') };
    const levels = [{ request_headers_to_add: add('host') }, { request_headers_to_add: add('table') }] as const;
    for (const specificWins of [false, true]) {
      const table = { ...levels[1], most_specific_header_mutations_wins: specificWins };
      const head = request('/', 'h');
      const stream = fakeStream({ requestHeaders: head });
      const route = parsed([forwarding(action, rest)], levels[0], table).route(head, stream);
      expect(route?.action).toMatchObject({ cluster: '', clusterHeader: 'x-c', metadataMatch: { a: 1, b: 2 } });
      route?.finalizeRequest(head, stream, true);
      // Envoy 1.40: the host of an entry leaves no trace of the old one, and an entry is never turned round.
      const order = specificWins ? ['entry', 'table', 'host', 'route'] : ['entry', 'route', 'host', 'table'];
      expect(head.getAll('x')).toEqual(order);
      expect([head.authority, head.get('x-forwarded-host'), head.get('x-envoy-original-host')]).toEqual([
        'entry.host',
        undefined,
        undefined,
      ]);
    }
  });

  it("the route's host rewrite comes behind the entry's", () => {
    const clusters = [{ name: 'c', weight: 1, host_rewrite_literal: 'entry.host' }];
    const action = {
      weighted_clusters: { clusters },
      host_rewrite_literal: 'route.host',
      append_x_forwarded_host: true,
    };
    const head = request('/', 'h');
    const stream = fakeStream({ requestHeaders: head });
    parsed([forwarding(action)])
      .route(head, stream)
      ?.finalizeRequest(head, stream, true);
    expect([head.authority, head.get('x-forwarded-host'), head.get('x-envoy-original-host')]).toEqual([
      'route.host',
      'entry.host',
      'entry.host',
    ]);
  });
});
