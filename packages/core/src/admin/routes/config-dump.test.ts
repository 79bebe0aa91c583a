import { describe, expect, it } from 'vitest';
import { shapeOf } from '../field-mask.ts';
import { FakeProxy, start } from '../fixture.ts';

/** Clusters know three fields, and everything else any. */
class Shaped extends FakeProxy {
  override context() {
    const context = super.context();
    const cluster = shapeOf({ name: 'leaf', load_assignment: shapeOf({ cluster_name: 'leaf' }), hosts: 'leaf' });
    return {
      ...context,
      configDump: (options: { readonly endpoints: boolean }) => ({
        ...context.configDump(options),
        ...(options.endpoints && { endpoints: { static: [{ config: { cluster_name: 'service1' } }], dynamic: [] } }),
        shapes: (kind: string) => (kind === 'cluster' ? cluster : shapeOf({ node: shapeOf({ id: 'leaf' }) })),
      }),
    };
  }
}

const get = async (query: string) => (await start({}, new Shaped())).get(`/config_dump${query}`);
const configs = async (query: string) => JSON.parse((await get(query)).body).configs;
const ANY = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';
const ITEM = 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump.StaticCluster';

describe('/config_dump?mask', () => {
  it('goes into the resource of every item', async () => {
    expect(await configs('?resource=static_clusters&mask=cluster.name')).toEqual([
      { '@type': ITEM, cluster: { '@type': ANY, name: 'service1' } },
      { '@type': ITEM, cluster: { '@type': ANY, name: 'service2' } },
    ]);
  });

  it('goes beside it too, and names are chosen before', async () => {
    const query = '?resource=static_clusters&mask=last_updated,cluster.load_assignment.cluster_name&name_regex=.*2';
    expect(await configs(query)).toEqual([
      { '@type': ITEM, cluster: { '@type': ANY }, last_updated: '1970-01-01T00:00:00.000Z' },
    ]);
  });

  it('keeps fields of whole messages, those that have them all', async () => {
    expect(await configs('?mask=bootstrap.node.id')).toEqual([
      { '@type': 'type.googleapis.com/envoy.admin.v3.BootstrapConfigDump', bootstrap: { node: { id: 'n' } } },
    ]);
    const [only, ...more] = await configs('?mask=static_clusters');
    expect([only['@type'].split('.').at(-1), more]).toEqual(['ClustersConfigDump', []]);
    expect(only.static_clusters).toHaveLength(2);
    expect((await configs('?mask=version_info')).map((config: object) => Object.keys(config))).toEqual([
      ['@type'],
      ['@type'],
    ]);
  });

  it.each([
    ['?mask=xx', 'FieldMask xx could not be successfully applied to any configs.'],
    [
      '?mask=bootstrap.node.id,static_clusters',
      'FieldMask bootstrap.node.id,static_clusters could not be successfully applied to any configs.',
    ],
    [
      '?mask=static_clusters.cluster',
      'FieldMask static_clusters.cluster could not be successfully applied to any configs.',
    ],
    ['?resource=static_clusters&mask=nope', 'FieldMask paths: "nope"\n could not be successfully used.'],
    ['?resource=static_clusters&mask=cluster', 'FieldMask paths: "cluster"\n could not be successfully used.'],
    [
      '?resource=static_clusters&mask=cluster.hosts.x',
      'FieldMask paths: "cluster.hosts.x"\n could not be successfully used.',
    ],
    ['?resource=bootstrap', 'bootstrap is not a repeated field. Use ?mask=bootstrap to get only this field'],
    ['?resource=version_info', 'version_info is not a repeated field. Use ?mask=version_info to get only this field'],
    ['?name_regex=[', 'INVALID_ARGUMENT: Error while parsing name_regex from [: missing ]: ['],
  ])('%s is a 400 in the words of Envoy', async (query, body) => {
    expect(await get(query)).toMatchObject({ status: 400, body });
  });
});

describe('/config_dump?include_eds', () => {
  it('has the endpoints after the clusters, and only then can they be asked for', async () => {
    const all = await configs('?include_eds');
    expect(all[2]).toEqual({
      '@type': 'type.googleapis.com/envoy.admin.v3.EndpointsConfigDump',
      static_endpoint_configs: [
        {
          endpoint_config: {
            '@type': 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
            cluster_name: 'service1',
          },
        },
      ],
    });
    expect(await configs('?include_eds&resource=static_endpoint_configs')).toHaveLength(1);
    expect((await get('?resource=static_endpoint_configs')).status).toBe(404);
  });
});
