/** On virtual time; what is counted, and the words of details, were compared with Envoy 1.40. */
import type { NamedHost, StatsScope } from '@mesh/core';
import { dnsCacheConfig } from '@mesh/core/proto';
import { turn, VirtualClock } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import type { DnsQuery, DnsRecord } from '../resolver/index.ts';
import { DnsCache } from './dns-cache.ts';
import { dnsCacheSettings } from './settings.ts';

type Answer = readonly (string | DnsRecord)[] | Error | 'never';

/** Counters and gauges by their full name. */
function scopeOf(values: Map<string, number>, prefix = ''): StatsScope {
  const metric = (name: string) => {
    const full = `${prefix}${name}`;
    values.set(full, values.get(full) ?? 0);
    const add = (amount: number) => void values.set(full, (values.get(full) as number) + amount);
    return {
      inc: () => add(1),
      dec: () => add(-1),
      add,
      set: (value: number) => void values.set(full, value),
    };
  };
  const scope = (name: string) => scopeOf(values, prefix + name);
  return { counter: metric, gauge: metric, scope } as unknown as StatsScope;
}

function start(config: object = {}, random = () => 0) {
  const clock = new VirtualClock();
  const values = new Map<string, number>();
  const answers = new Map<string, Answer>();
  const asked: string[] = [];
  const changes: string[] = [];
  const lookup = (name: string, _query: DnsQuery): Promise<readonly DnsRecord[]> => {
    asked.push(`${name} ${clock.nowMs()}`);
    const answer = answers.get(name) ?? [];
    if (answer === 'never') return new Promise(() => {});
    if (answer instanceof Error) return Promise.reject(answer);
    return Promise.resolve(answer.map((each) => (typeof each === 'string' ? { address: each } : each)));
  };
  const settings = dnsCacheSettings(dnsCacheConfig.parse({ name: 'c', ...config }));
  const cache = new DnsCache(settings, { clock, random, lookup, stats: scopeOf(values) });
  cache.listen({
    onAddresses: ({ addresses, named }) => void changes.push(`${named.key} ${addresses.join(',')}`),
    onRemoved: ({ named }) => void changes.push(`${named.key} gone`),
  });
  const named: NamedHost[] = [];
  /** What `load` says at once; who waits is told in `named`. */
  const load = (authority: string, port = 80) => {
    const answer = cache.load(authority, port, { onNamed: (host) => void named.push(host) });
    if (typeof answer === 'string') return answer;
    return 'cancel' in answer ? answer : (answer.address ?? answer.details);
  };
  const stat = (name: string) => values.get(`dns_cache.c.${name}`);
  return { answers, asked, cache, changes, clock, load, named, stat };
}

const failure = (code: string) => Object.assign(new Error(code), { code });

describe('DnsCache.load', () => {
  it('waits for a name once, and knows it then', async () => {
    const { answers, asked, changes, load, named, stat } = start();
    answers.set('a.example', ['192.0.2.1', '2001:db8::1']);
    expect(load('a.example')).toHaveProperty('cancel');
    expect(load('A.EXAMPLE:80')).toHaveProperty('cancel');
    expect(stat('circuit_breakers.rq_pending_remaining')).toBe(1022);
    await turn();
    expect(named.map(({ address }) => address)).toEqual(['192.0.2.1:80', '192.0.2.1:80']);
    expect(load('a.example')).toBe('192.0.2.1:80');
    expect(asked).toEqual(['a.example 0']);
    expect(changes).toEqual(['a.example:80 192.0.2.1,2001:db8::1']);
    expect(
      ['dns_query_attempt', 'dns_query_success', 'host_added', 'host_address_changed', 'num_hosts'].map(stat),
    ).toEqual([1, 1, 1, 1, 1]);
    expect(stat('circuit_breakers.rq_pending_remaining')).toBe(1024);
  });

  it('tells apart ports', async () => {
    const { answers, changes, load } = start();
    answers.set('a.example', ['192.0.2.1']);
    load('a.example');
    load('a.example:81');
    load('a.example', 443);
    await turn();
    expect(changes.map((change) => change.split(' ')[0])).toEqual(['a.example:80', 'a.example:81', 'a.example:443']);
  });

  it('knows addresses without asking', () => {
    const { asked, load } = start();
    expect(load('192.0.2.7:81')).toBe('192.0.2.7:81');
    expect(load('[2001:db8::1]')).toBe('[2001:db8::1]:80');
    expect(asked).toEqual([]);
    expect(start({ dns_lookup_family: 'V4_ONLY' }).load('[::1]')).toMatch('Misformatted');
  });

  it.each([
    [[], 'dns_resolution_failure{cares_norecords:Domain_name_not_found}', 0],
    [failure('EAI_AGAIN'), 'dns_resolution_failure{cares_failure:EAI_AGAIN}', 1],
  ])('remembers what was not found: %#', async (answer, details, failures) => {
    const { answers, asked, changes, load, named, stat } = start();
    answers.set('a.example', answer as Answer);
    load('a.example');
    await turn();
    expect(named).toMatchObject([{ address: undefined, details }]);
    expect(load('a.example')).toBe(details);
    expect(asked).toHaveLength(1);
    expect(changes).toEqual([]);
    expect(stat('dns_query_failure')).toBe(failures);
  });

  it('asks nobody about what is no name, and keeps no place for it', () => {
    const { asked, load, stat } = start();
    expect(load('a..b')).toBe('dns_resolution_failure{cares_failure:Misformatted_domain_name}');
    expect([asked.length, stat('num_hosts'), stat('dns_query_failure')]).toEqual([0, 0, 1]);
  });

  it('gives up after dns_query_timeout, and ignores what comes later', async () => {
    const { answers, clock, load, named, stat } = start({ dns_query_timeout: '2s' });
    answers.set('a.example', 'never');
    load('a.example');
    await clock.advanceAsync(1999);
    expect(named).toEqual([]);
    await clock.advanceAsync(1);
    expect(named).toMatchObject([{ address: undefined, details: 'dns_resolution_failure{resolve_timeout}' }]);
    expect([stat('dns_query_timeout'), stat('dns_query_failure')]).toEqual([1, 1]);
  });

  it('refuses more names than max_hosts', async () => {
    const { load, stat } = start({ max_hosts: 1 });
    load('a.example');
    expect(load('b.example')).toBe('host overflow');
    expect(load('a.example')).toHaveProperty('cancel');
    expect(stat('host_overflow')).toBe(1);
  });

  it('refuses more waiting requests than max_pending_requests', async () => {
    const { load, stat } = start({ dns_cache_circuit_breaker: { max_pending_requests: 1 } });
    load('a.example');
    expect(stat('circuit_breakers.rq_pending_open')).toBe(1);
    expect(load('a.example')).toBe('pending overflow');
    expect(stat('dns_rq_pending_overflow')).toBe(1);
    await turn();
    expect(stat('circuit_breakers.rq_pending_open')).toBe(0);
    expect(load('a.example')).toMatch('dns_resolution_failure');
  });

  it('forgets who has stopped waiting', async () => {
    const { load, named, stat } = start();
    (load('a.example') as { cancel(): void }).cancel();
    expect(stat('circuit_breakers.rq_pending_remaining')).toBe(1024);
    await turn();
    expect(named).toEqual([]);
  });

  it('leaves out addresses that resolved_address_filter names', async () => {
    const range = { address_prefix: '127.0.0.0', prefix_len: 8 };
    const { answers, cache, load, named, stat } = start({ resolved_address_filter: { ranges: [range] } });
    answers.set('a.example', ['127.0.0.1', '192.0.2.1']);
    answers.set('b.example', ['127.0.0.2']);
    load('a.example');
    load('b.example');
    await turn();
    expect(named).toMatchObject([
      { address: '192.0.2.1:80' },
      { address: undefined, details: 'dns_resolution_failure{address_denied}' },
    ]);
    expect(load('127.0.0.1')).toBe('dns_resolution_failure{address_denied}');
    expect(stat('dns_address_filter_out')).toBe(3);
    expect(cache.found()).toHaveLength(1);
  });

  it('takes only addresses that resolved_address_filter names, if inverted', async () => {
    const range = { address_prefix: '192.0.2.0', prefix_len: 24 };
    const { load } = start({ resolved_address_filter: { ranges: [range], invert_match: true } });
    expect(load('192.0.2.1')).toBe('192.0.2.1:80');
    expect(load('198.51.100.1')).toMatch('address_denied');
  });
});

describe('DnsCache names', () => {
  it('are looked up again at dns_refresh_rate, or by their TTL, but not below dns_min_refresh_rate', async () => {
    const { answers, asked, clock, load } = start({ dns_refresh_rate: '30s', dns_min_refresh_rate: '10s' });
    answers.set('a.example', ['192.0.2.1']);
    answers.set('b.example', [{ address: '192.0.2.1', ttlS: 20 }]);
    answers.set('c.example', [{ address: '192.0.2.1', ttlS: 1 }]);
    for (const name of ['a.example', 'b.example', 'c.example']) load(name);
    await clock.advanceAsync(30_000);
    const times = (name: string) => asked.filter((each) => each.startsWith(name)).map((each) => each.split(' ')[1]);
    expect(times('a')).toEqual(['0', '30000']);
    expect(times('b')).toEqual(['0', '20000']);
    expect(times('c')).toEqual(['0', '10000', '20000', '30000']);
  });

  it('keep their last addresses while nothing better is found', async () => {
    const { answers, changes, clock, load, stat } = start({ dns_refresh_rate: '1s' });
    answers.set('a.example', ['192.0.2.1']);
    load('a.example');
    await turn();
    for (const worse of [[], failure('EAI_AGAIN'), ['192.0.2.1']] as Answer[]) {
      answers.set('a.example', worse);
      await clock.advanceAsync(1000);
      expect(load('a.example')).toBe('192.0.2.1:80');
    }
    answers.set('a.example', ['192.0.2.2']);
    await clock.advanceAsync(1000);
    expect(load('a.example')).toBe('192.0.2.2:80');
    expect(changes).toEqual(['a.example:80 192.0.2.1', 'a.example:80 192.0.2.2']);
    expect(stat('host_address_changed')).toBe(2);
  });

  it('are tried again at dns_failure_refresh_rate', async () => {
    const rate = { base_interval: '1s', max_interval: '4s' };
    const { answers, asked, clock, load } = start({ dns_failure_refresh_rate: rate }, () => 1);
    answers.set('a.example', failure('EAI_AGAIN'));
    load('a.example');
    await clock.advanceAsync(11_000);
    expect(asked.map((each) => each.split(' ')[1])).toEqual(['0', '2000', '6000', '10000']);
  });

  it('that have failed are asked for by the next request with disable_dns_refresh_on_failure', async () => {
    const { answers, asked, cache, clock, load, named } = start({ disable_dns_refresh_on_failure: true });
    answers.set('a.example', failure('EAI_AGAIN'));
    load('a.example');
    await clock.advanceAsync(200_000);
    expect(asked).toHaveLength(1);
    answers.set('a.example', ['192.0.2.1']);
    expect(load('a.example:80')).toHaveProperty('cancel');
    await turn();
    expect(named.at(-1)?.address).toBe('192.0.2.1:80');
    answers.set('c.example', failure('EAI_AGAIN'));
    load('c.example');
    await clock.advanceAsync(300_002);
    expect(asked.filter((each) => each.startsWith('c.'))).toHaveLength(1);
    expect(cache.find('c.example:80')).toBeUndefined();
  });

  it('that nobody has asked for in host_ttl are forgotten', async () => {
    const { answers, cache, changes, clock, load, stat } = start({ dns_refresh_rate: '10s', host_ttl: '25s' });
    answers.set('a.example', ['192.0.2.1']);
    load('a.example');
    await clock.advanceAsync(20_000);
    load('a.example');
    await clock.advanceAsync(20_000);
    expect(cache.found()).toHaveLength(1);
    await clock.advanceAsync(10_000);
    expect(changes).toEqual(['a.example:80 192.0.2.1', 'a.example:80 gone']);
    expect([stat('host_removed'), stat('num_hosts'), clock.pending]).toEqual([1, 0, 0]);
  });

  it('end with the cache: who waits hears that nothing was found', async () => {
    const { answers, cache, clock, load, named, stat } = start();
    answers.set('a.example', 'never');
    load('a.example');
    cache.close();
    expect(named).toMatchObject([{ address: undefined, details: 'dns_resolution_failure{cache_closed}' }]);
    expect([clock.pending, stat('num_hosts')]).toEqual([0, 0]);
    expect(load('a.example')).toMatch('cache_closed');
  });
});
