/** Cluster types of a user's own by the YAML door and in code; Envoy's words where it has any. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { cluster } from '../compose.ts';
import { createProxy } from '../create-proxy.ts';
import { defineDiscovery } from '../define/index.ts';
import { clusterSchema } from './cluster.ts';
import { originalDstLbConfig } from './cluster-type-original-dst.ts';
import { expectAccepted, expectRefused } from './fixture.ts';

/** What clusters were made with. */
const made: unknown[] = [];

const fixed = defineDiscovery({
  name: 'acme.clusters.fixed',
  typeUrl: 'type.googleapis.com/acme.Fixed',
  config: z.object({ ip: z.string(), portValue: z.number() }),
  create: ({ publish, typeConfig }) => {
    made.push(typeConfig);
    const { ip, portValue: port } = typeConfig;
    const locality = { region: '', zone: '', subZone: '' };
    return {
      start: async () => publish([{ ip, port, hostname: '', weight: 1, priority: 0, locality }]),
      close: () => {},
    };
  },
});
const named = defineDiscovery({
  name: 'acme.clusters.named',
  create: ({ typeConfig }) => {
    made.push(typeConfig);
    return { start: async () => {}, close: () => {} };
  },
});

const typed = { '@type': 'type.googleapis.com/acme.Fixed', ip: '127.0.0.1', port_value: 9001 };

async function load(clusterType: object, more: object = {}): Promise<unknown> {
  const config = { static_resources: { clusters: [{ name: 'c', cluster_type: clusterType, ...more }] } };
  const proxy = await createProxy({ config, extensions: [fixed, named] });
  await proxy.start();
  const hosts = proxy.stats.gauges().find(({ name }) => name === 'cluster.c.membership_total')?.value;
  await proxy.close();
  return [made.pop(), hosts];
}

describe('cluster_type', () => {
  it.each([
    ['type', { name: 'whatever', typed_config: typed }, [{ ip: '127.0.0.1', portValue: 9001 }, 1]],
    ['name', { name: 'acme.clusters.named', typed_config: { a: 1 } }, [{ a: 1 }, 0]],
    ['name alone', { name: 'acme.clusters.named' }, [{}, 0]],
  ])('is found by its %s', async (_, clusterType, what) => {
    expect(await load(clusterType)).toEqual(what);
  });

  it('is made in code', async () => {
    const clusters = [cluster('c', { clusterType: fixed({ ip: '127.0.0.1', portValue: 9002 }) })];
    await (await createProxy({ clusters })).close();
    expect(made.pop()).toEqual({ ip: '127.0.0.1', portValue: 9002 });
  });

  it.each([
    [{ name: 'acme.nope' }, {}, "Didn't find a registered implementation for 'acme.nope' with type URL: ''"],
    [{ name: 'x', typed_config: { ...typed, ip: 1 } }, {}, 'cluster_type.typed_config.ip'],
    [{ name: 'x', typed_config: { ...typed, more: 1 } }, {}, 'cluster_type.typed_config.more'],
    [{ name: 'x', typed_config: typed }, { type: 'STATIC' }, 'only one of type, cluster_type may be given'],
  ])('is refused: %#', async (clusterType, more, message) => {
    await expect(load(clusterType, more)).rejects.toThrow(message);
  });
});

const odst = (more: object = {}) => ({ name: 'c', type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED', ...more });

describe('ORIGINAL_DST', () => {
  it('is accepted', () => {
    const path = [{ key: 'b' }];
    const options = { use_http_header: true, upstream_port_override: 1, metadata_key: { key: 'a', path } };
    expectAccepted(clusterSchema, odst({ original_dst_lb_config: options, cleanup_interval: '1s' }), {
      originalDstLbConfig: { useHttpHeader: true, upstreamPortOverride: 1, httpHeaderName: '' },
      cleanupIntervalMs: 1000,
    });
  });

  it.each([
    [
      odst({ lb_policy: 'ROUND_ROBIN' }),
      "lb_policy: cluster: LB policy ROUND_ROBIN is not valid for Cluster type ORIGINAL_DST. Only 'CLUSTER_PROVIDED' is allowed with cluster type 'ORIGINAL_DST'",
    ],
    [
      odst({ load_assignment: { cluster_name: 'c' } }),
      'load_assignment: ORIGINAL_DST clusters must have no load assignment configured',
    ],
    [
      odst({ original_dst_lb_config: { http_header_name: 'x' } }),
      'original_dst_lb_config.http_header_name: ORIGINAL_DST cluster: invalid config http_header_name=x and use_http_header is false. Set use_http_header to true if http_header_name is desired.',
    ],
    [odst({ cleanup_interval: '0s' }), 'cleanup_interval: must be greater than 0s, got 0s'],
  ])('is refused: %#', (value, message) => expectRefused(clusterSchema, value, [message]));

  it.each([
    [{ upstream_port_override: 65_536 }, 'upstream_port_override: expected a whole number from 0 to 65535, got 65536'],
    [{ metadata_key: { key: 'a' } }, 'metadata_key.path: is required'],
  ])('refuses %j', (value, message) => expectRefused(originalDstLbConfig, value, [message]));
});
