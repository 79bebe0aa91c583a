import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cluster, configJsonSchema, createProxy, validateConfig } from '@mesh/core';
import { aggregate } from '@mesh/discovery';
import { leastRequest } from '@mesh/lb';
import { describe, expect, it } from 'vitest';
import { envoyMap, staleNotes } from '../../../scripts/envoy-map.ts';
import { standard } from './index.ts';

function committed(name: string): string {
  return readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
}

describe('generated documents', () => {
  it('docs/envoy-map.md is what scripts/envoy-map.ts writes', () => {
    expect(committed('envoy-map.md')).toBe(envoyMap());
  });

  it('docs/envoy-map.md has no note on a field that is gone', () => {
    expect(staleNotes()).toEqual([]);
  });

  it('docs/mesh.schema.json is what `mesh schema` prints', () => {
    expect(JSON.parse(committed('mesh.schema.json'))).toEqual(JSON.parse(JSON.stringify(configJsonSchema(standard))));
  });
});

const examples = new URL('../../../examples/yaml/', import.meta.url);

describe('examples/yaml', () => {
  const configurations = readdirSync(examples).filter((name) => name !== 'route-tests.yaml');
  it.each(configurations)('%s is valid', async (name) => {
    await validateConfig({ config: fileURLToPath(new URL(name, examples)), extensions: standard });
  });
});

it('pages about clusters show code that works', async () => {
  const endpoints = ['10.0.0.1:80', '10.0.0.2:80'];
  const proxy = await createProxy({
    clusters: [
      cluster('app', { type: 'STRICT_DNS', endpoints: ['app.internal:80'] }),
      cluster('both', { clusterType: aggregate({ clusters: ['near', 'far'] }), lbPolicy: 'CLUSTER_PROVIDED' }),
      cluster('service', { type: 'STRICT_DNS', endpoints: ['_grpc._tcp.api.internal:0'] }),
      cluster('api', { endpoints, loadBalancing: leastRequest({ choiceCount: 3 }) }),
      cluster('slow', {
        endpoints,
        loadBalancing: leastRequest({ choiceCount: 3, slowStartConfig: { slowStartWindow: '30s' } }),
      }),
      cluster('judged', {
        endpoints,
        outlierDetection: { consecutive5xx: 5, baseEjectionTimeMs: 30_000, maxEjectionPercent: 50 },
      }),
      cluster('checked', {
        endpoints,
        healthChecks: [
          {
            timeoutMs: 1000,
            intervalMs: 5000,
            unhealthyThreshold: 3,
            healthyThreshold: 2,
            httpHealthCheck: { path: '/healthz' },
          },
        ],
      }),
    ],
    extensions: standard,
  });
  expect(proxy.stats.counters().map(({ name }) => name)).toContain('cluster.checked.health_check.attempt');
  await proxy.close();
});

describe('READMEs of packages', () => {
  const shown = ['lb', 'discovery', 'health'].flatMap((name) => {
    const page = readFileSync(new URL(`../../${name}/README.md`, import.meta.url), 'utf8');
    return [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);
  });

  it('show configuration', () => expect(shown.length).toBeGreaterThan(1));

  it.each(shown)('can be loaded:\n%s', async (text) => {
    const clusters = text.startsWith('clusters:') ? text : `clusters:\n- name: c\n${text.replace(/^(?=.)/gm, '  ')}`;
    const configOverride = `static_resources:\n${clusters.replace(/^(?=.)/gm, '  ')}`;
    await (await createProxy({ configOverride, extensions: standard })).close();
  });
});
