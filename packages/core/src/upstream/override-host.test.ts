import { describe, expect, it } from 'vitest';
import type { EndpointHealthStatus } from '../api/discovery.ts';
import { endpoint } from './fixture.ts';
import { HealthFlag } from './health-flags.ts';
import { UpstreamHost } from './host.ts';
import { OverrideHosts } from './override-host.ts';

const hostAt = (port: number, healthStatus: EndpointHealthStatus = 'UNKNOWN', flags = 0) =>
  new UpstreamHost(endpoint(port, { healthStatus }), 0, flags);

describe('OverrideHosts', () => {
  it.each<readonly [EndpointHealthStatus, number, readonly EndpointHealthStatus[] | undefined, boolean]>([
    ['UNKNOWN', 0, undefined, true],
    ['HEALTHY', 0, undefined, true],
    ['DEGRADED', 0, undefined, true],
    ['UNHEALTHY', 0, undefined, false],
    ['DRAINING', 0, undefined, false],
    ['TIMEOUT', 0, undefined, false],
    ['UNKNOWN', HealthFlag.failedActiveHc, undefined, false],
    ['UNKNOWN', HealthFlag.failedOutlierCheck, undefined, false],
    ['UNKNOWN', HealthFlag.degradedActiveHc, undefined, true],
    ['UNKNOWN', HealthFlag.degradedActiveHc, ['UNKNOWN'], false],
    ['UNKNOWN', HealthFlag.degradedActiveHc, ['DEGRADED'], true],
    ['DRAINING', HealthFlag.degradedActiveHc, ['DRAINING'], true],
    ['DRAINING', HealthFlag.failedActiveHc, ['DRAINING'], false],
    ['HEALTHY', HealthFlag.failedActiveHc, ['UNHEALTHY'], true],
    ['UNKNOWN', 0, ['HEALTHY'], false],
    ['HEALTHY', 0, [], false],
  ])('finds a host that is %s with flags %i where %j will do: %s', (status, flags, statuses, found) => {
    const host = hostAt(1, status, flags);
    const hosts = [hostAt(2), host];
    expect(new OverrideHosts(statuses).find(hosts, host.address)).toBe(found ? host : undefined);
  });

  it('knows the hosts of now', () => {
    const finder = new OverrideHosts(undefined);
    const [one, other] = [hostAt(1), hostAt(2)];
    expect(finder.find([one], other.address)).toBeUndefined();
    expect(finder.find([one, other], other.address)).toBe(other);
    expect(finder.find([one], other.address)).toBeUndefined();
  });

  it('does not take a host for what its address was', () => {
    const finder = new OverrideHosts(undefined);
    const host = new UpstreamHost(endpoint(1, { key: 'k' }));
    const hosts = [host];
    const before = host.address;
    expect(finder.find(hosts, before)).toBe(host);
    host.refresh(endpoint(2, { key: 'k' }));
    expect(finder.find(hosts, before)).toBeUndefined();
  });
});
