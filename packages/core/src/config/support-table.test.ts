import { describe, expect, it } from 'vitest';
import { registry } from './fixture.ts';
import { supportTable } from './support-table.ts';

const table = supportTable(registry);
const rows = (message: string) => table.filter((row) => row.message === message);

describe('supportTable', () => {
  it('has implemented and refused fields of the resources', () => {
    const cluster = rows('envoy.config.cluster.v3.Cluster');
    expect(cluster).toContainEqual({
      message: 'envoy.config.cluster.v3.Cluster',
      field: 'connect_timeout',
      status: 'implemented',
      reason: '',
    });
    expect(cluster).toContainEqual({
      message: 'envoy.config.cluster.v3.Cluster',
      field: 'filters',
      status: 'refused',
      reason: 'upstream network filters are not built yet',
    });
  });

  it('has what stands inside of typed_config', () => {
    expect(rows('envoy.extensions.filters.http.router.v3.Router').map(({ field }) => field)).toEqual([
      'suppress_envoy_headers',
      'start_child_span',
    ]);
    expect(rows('envoy.config.route.v3.RouteMatch').length).toBeGreaterThan(10);
    expect(rows('envoy.extensions.upstreams.http.v3.HttpProtocolOptions').length).toBeGreaterThan(3);
  });

  it('has what stands inside of typed_per_filter_config', () => {
    expect(rows('envoy.config.route.v3.FilterConfig').map(({ field }) => field)).toContain('disabled');
  });

  it('has the values of implemented fields that are refused', () => {
    const policy = rows('envoy.config.cluster.v3.Cluster').find(({ field }) => field === 'lb_policy');
    expect(policy).toMatchObject({
      status: 'implemented',
      refusedValues: { ORIGINAL_DST_LB: 'use CLUSTER_PROVIDED, as Envoy itself asks for since 1.14' },
    });
    const name = rows('envoy.config.cluster.v3.Cluster').find(({ field }) => field === 'name');
    expect(name).not.toHaveProperty('refusedValues');
  });

  it('has each field once', () => {
    const names = table.map(({ message, field }) => `${message}.${field}`);
    expect(names.filter((name, index) => names.indexOf(name) < index)).toEqual([]);
  });

  it('gives a reason for every refusal', () => {
    expect(table.filter(({ status, reason }) => status === 'refused' && reason === '')).toEqual([]);
  });
});
