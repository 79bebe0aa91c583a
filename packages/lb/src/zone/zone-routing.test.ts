import { describe, expect, it } from 'vitest';
import { chiSquare, hosts, inZone, setsOf, TestContext, type TestHost, TestLocalCluster, tally } from '../fixture.ts';
import { roundRobin } from '../round-robin/index.ts';
import { keptShare, residualCapacity, zoneShares } from './zone-shares.ts';

type Zones = Readonly<Record<string, number>>;

/** So many hosts per zone. */
function inZones(prefix: string, zones: Zones, given: Partial<TestHost> = {}): TestHost[] {
  return Object.entries(zones).flatMap(([zone, count]) =>
    hosts(`${prefix}-${zone}`, count, { ...inZone(zone), ...given }),
  );
}

interface Situation {
  readonly upstream: Zones;
  readonly local: Zones;
  readonly config?: Parameters<typeof roundRobin>[0];
  readonly keys?: Readonly<Record<string, string>>;
}

/** A balancer in zone a. */
function situation({ upstream, local, config = {}, keys = {} }: Situation) {
  const proxies = new TestLocalCluster(setsOf(inZones('proxy', local), { ownZone: 'a' }));
  const context = new TestContext({ local: proxies });
  Object.assign(context.keys, keys);
  const balancer = roundRobin.create(roundRobin(config).config, context);
  balancer.update(setsOf(inZones('up', upstream), { ownZone: 'a' }));
  /** Picks by zone. */
  const zones = (picks: number) => {
    const sums: Record<string, number> = {};
    for (const [address, count] of Object.entries(tally(balancer, picks))) {
      const zone = address.charAt(3);
      sums[zone] = (sums[zone] ?? 0) + count;
    }
    return sums;
  };
  return { balancer, context, proxies, zones };
}

describe('zoneShares', () => {
  it('leaves 50 % in place and 100 and 50 parts of room as the example of Envoy does', () => {
    const sets = (zones: Zones) => setsOf(inZones('x', zones), { ownZone: 'a' }).priorities[0]!;
    const shares = zoneShares(sets({ a: 40, b: 40, c: 20 }), sets({ a: 25, b: 50, c: 25 }), 'HEALTHY_HOSTS_NUM');
    expect(shares).toEqual({ local: [4000, 4000, 2000], upstream: [2500, 5000, 2500] });
    expect(keptShare(shares)).toBe(6250);
    expect(residualCapacity(shares, true)).toEqual([0, 1000, 1500]);
    expect(residualCapacity(shares, false)).toEqual([0, 1000, 1500]);
  });

  it('counts weights when asked to', () => {
    const heavy = inZones('x', { a: 1 }, { weight: 3 });
    const upstream = setsOf([...heavy, ...inZones('y', { b: 1 })], { ownZone: 'a' }).priorities[0]!;
    const local = setsOf(inZones('p', { a: 1, b: 1 }), { ownZone: 'a' }).priorities[0]!;
    expect(zoneShares(local, upstream, 'HEALTHY_HOSTS_WEIGHT').upstream).toEqual([7500, 2500]);
    expect(zoneShares(local, upstream, 'HEALTHY_HOSTS_NUM').upstream).toEqual([5000, 5000]);
  });

  it('knows nothing of places that have no usable host', () => {
    const sick = inZones('x', { a: 2 }, { health: 'unhealthy' });
    const upstream = setsOf([...sick, ...inZones('y', { b: 2 })], { ownZone: 'a' }).priorities[0]!;
    const local = setsOf(inZones('p', { a: 1, b: 1 }), { ownZone: 'a' }).priorities[0]!;
    expect(zoneShares(local, upstream, 'HEALTHY_HOSTS_NUM')).toEqual({ local: [0, 5000], upstream: [0, 10_000] });
  });
});

describe('zone-aware routing', () => {
  it('keeps everything in place when there is enough of it', () => {
    const { zones, context } = situation({ upstream: { a: 4, b: 4 }, local: { a: 1, b: 1 } });
    expect(zones(100)).toEqual({ a: 100 });
    expect(context.counted).toMatchObject({ lb_zone_routing_all_directly: 100, lb_recalculate_zone_structures: 1 });
  });

  it('sends the rest where there is room, in proportion', () => {
    const { zones, context } = situation({ upstream: { a: 4, b: 8, c: 4 }, local: { a: 4, b: 4, c: 2 } });
    // Kept 25/40; of the rest 10 : 5.
    const counts = zones(20_000);
    expect(chiSquare(counts, { a: 62.5, b: 25, c: 12.5 })).toBeLessThan(1);
    expect(context.counted.lb_zone_routing_sampled).toBe(counts.a);
    expect(context.counted.lb_zone_routing_cross_zone).toBe(20_000 - (counts.a as number));
  });

  it('sends everything elsewhere when its own place has no host', () => {
    const { zones } = situation({ upstream: { b: 6, c: 2 }, local: { a: 1, b: 1 } });
    // Room: b 75 − 50, c 25 − 0.
    expect(chiSquare(zones(10_000), { b: 50, c: 50 })).toBeLessThan(1);
  });

  it.each<[name: string, situation: Situation, counter: string | undefined]>([
    ['one locality', { upstream: { a: 8 }, local: { a: 1, b: 1 } }, undefined],
    ['one local locality', { upstream: { a: 4, b: 4 }, local: { a: 2 } }, undefined],
    ['no proxy in its own zone', { upstream: { a: 4, b: 4 }, local: { b: 1, c: 1 } }, 'lb_local_cluster_not_ok'],
    ['fewer than six hosts', { upstream: { a: 2, b: 3 }, local: { a: 1, b: 1 } }, 'lb_zone_cluster_too_small'],
    [
      'fewer hosts than the config asks for',
      {
        upstream: { a: 4, b: 4 },
        local: { a: 1, b: 1 },
        config: { localityLbConfig: { zoneAwareLbConfig: { minClusterSize: 9 } } },
      },
      'lb_zone_cluster_too_small',
    ],
    [
      'fewer hosts than the runtime asks for',
      { upstream: { a: 4, b: 4 }, local: { a: 1, b: 1 }, keys: { 'upstream.zone_routing.min_cluster_size': '9' } },
      'lb_zone_cluster_too_small',
    ],
  ])('does not matter with %s', (_name, given, counter) => {
    const { zones, context } = situation(given);
    const { upstream } = given;
    const total = Object.values(upstream).reduce((sum, each) => sum + each, 0);
    expect(zones(total * 10)).toEqual(Object.fromEntries(Object.entries(upstream).map(([z, n]) => [z, n * 10])));
    if (counter !== undefined) expect(context.counted[counter]).toBe(1);
  });

  it.each<[name: string, given: Pick<Situation, 'config' | 'keys'>]>([
    ['the config', { config: { localityLbConfig: { zoneAwareLbConfig: { routingEnabled: { value: 25 } } } } }],
    ['the runtime', { keys: { 'upstream.zone_routing.enabled': '25' } }],
  ])('holds for the share of requests that %s says', (_name, given) => {
    const { zones } = situation({ upstream: { a: 4, b: 4 }, local: { a: 1, b: 1 }, ...given });
    expect(chiSquare(zones(10_000), { a: 25 + 37.5, b: 37.5 })).toBeLessThan(1);
  });

  it.each<[name: string, given: Pick<Situation, 'config' | 'keys'>]>([
    [
      'force_locality_direct_routing',
      { config: { localityLbConfig: { zoneAwareLbConfig: { forceLocalityDirectRouting: true } } } },
    ],
    ['force_local_zone', { config: { localityLbConfig: { zoneAwareLbConfig: { forceLocalZone: { minSize: 2 } } } } }],
    ['the runtime', { keys: { 'upstream.zone_routing.force_local_zone.min_size': '2' } }],
  ])('keeps everything in place when %s asks for it', (_name, given) => {
    expect(situation({ upstream: { a: 2, b: 8 }, local: { a: 1 }, ...given }).zones(50)).toEqual({ a: 50 });
  });

  it('is proportional when its own zone has fewer hosts than force_local_zone wants', () => {
    const config = { localityLbConfig: { zoneAwareLbConfig: { forceLocalZone: { minSize: 3 } } } };
    const { zones } = situation({ upstream: { a: 2, b: 8 }, local: { a: 1, b: 1 }, config });
    expect(chiSquare(zones(10_000), { a: 40, b: 60 })).toBeLessThan(1);
  });

  it('follows the proxies, and no longer once it is closed', () => {
    const { zones, proxies, balancer, context } = situation({ upstream: { a: 4, b: 4 }, local: { a: 1, b: 1 } });
    proxies.set(setsOf(inZones('proxy', { a: 3, b: 1 }), { ownZone: 'a' }));
    expect(context.counted.lb_recalculate_zone_structures).toBe(2);
    expect(chiSquare(zones(10_000), { a: 2, b: 1 })).toBeLessThan(1);
    balancer.close?.();
    expect(proxies.listeners).toBe(0);
  });

  it('starts when proxies appear in a second zone', () => {
    const { zones, proxies } = situation({ upstream: { a: 4, b: 4 }, local: { a: 1 } });
    expect(zones(80)).toEqual({ a: 40, b: 40 });
    proxies.set(setsOf(inZones('proxy', { a: 1, b: 1 }), { ownZone: 'a' }));
    expect(zones(80)).toEqual({ a: 80 });
  });

  it('does not matter while the proxies themselves are in panic, or fails', () => {
    const sick = setsOf([...inZones('proxy', { a: 1 }), ...inZones('proxy', { b: 3 }, { health: 'unhealthy' })], {
      ownZone: 'a',
    });
    const open = situation({ upstream: { a: 4, b: 4 }, local: { a: 1, b: 1 } });
    open.proxies.set(sick);
    expect(open.zones(80)).toEqual({ a: 40, b: 40 });
    expect(open.context.counted.lb_local_cluster_not_ok).toBe(80);
    const config = { localityLbConfig: { zoneAwareLbConfig: { failTrafficOnPanic: true } } };
    const failing = situation({ upstream: { a: 4, b: 4 }, local: { a: 1, b: 1 }, config });
    failing.proxies.set(sick);
    expect(failing.balancer.pick({}, 0)).toBeUndefined();
  });

  it('takes any zone when rounding leaves no room', () => {
    const local = new TestLocalCluster(setsOf(inZones('proxy', { a: 1, b: 1 }), { ownZone: 'a' }));
    const context = new TestContext({ local, random: () => 0.9999 });
    const basis = { minClusterSize: 2, localityBasis: 'HEALTHY_HOSTS_WEIGHT' } as const;
    const { config } = roundRobin({ localityLbConfig: { zoneAwareLbConfig: basis } });
    const balancer = roundRobin.create(config, context);
    const own = inZones('up', { a: 1 }, { weight: 5000 });
    // 4999 and 5000 parts of ten thousand, against 5000 and 5000.
    balancer.update(setsOf([...own, ...inZones('up', { b: 1 }, { weight: 5001 })], { ownZone: 'a' }));
    expect(balancer.pick({}, 0)?.address).toBe('up-b0');
    expect(context.counted.lb_zone_no_capacity_left).toBe(1);
  });

  it('holds for the first priority only', () => {
    const { balancer } = situation({ upstream: { a: 4, b: 4 }, local: { a: 1, b: 1 } });
    balancer.update(
      setsOf(
        [...inZones('up', { a: 4, b: 4 }, { health: 'unhealthy' }), ...inZones('fo', { a: 1, b: 1 }, { priority: 1 })],
        { ownZone: 'a' },
      ),
    );
    expect(tally(balancer, 10)).toEqual({ 'fo-a0': 5, 'fo-b0': 5 });
  });
});
