/**
 * Every configuration with every shape of trace context: what goes upstream and what is reported, as Envoy has it. The
 * recorded answers are compared always, a real Envoy where one is found.
 */
import { createProxy, type MeshProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compare } from '../envoy/compare.ts';
import { envoyVersion, launchEnvoy } from '../envoy/envoy-target.ts';
import { bootstrap } from './bootstrap.ts';
import { type Arrived, type Recorder, type Report, startCollector, startUpstream } from './collector.ts';
import { type Observations, observe } from './observe.ts';
import { linesOf, record, recorded } from './recorded.ts';
import { variants } from './variants.ts';

const version = envoyVersion();
if (version === undefined) console.log('no envoy is found: trace contexts are compared with its recorded answers only');

let servers: { readonly collector: Recorder<Report>; readonly upstream: Recorder<Arrived> };
let proxy: MeshProxy;
let mesh: Observations;

const config = () => bootstrap(variants, { collector: servers.collector.port, upstream: servers.upstream.port });

beforeAll(async () => {
  servers = { collector: await startCollector(), upstream: await startUpstream() };
  proxy = await createProxy({ config: config(), extensions: standard, logger: { log: () => {} } });
  await proxy.start();
  mesh = await observe(variants, (variant) => proxy.address(variant).port, servers);
});

afterAll(async () => {
  await proxy.close();
  await Promise.all([servers.collector.close(), servers.upstream.close()]);
});

describe('trace contexts', () => {
  test.skipIf(version === undefined)('are as Envoy has them', async () => {
    const envoy = await launchEnvoy(config(), variants.length);
    try {
      const seen = await observe(variants, (variant) => envoy.ports.get(variant) as number, servers);
      if (process.env.ZIPKIN_RECORD === '1') record(linesOf(seen));
      expect(compare(seen, mesh)).toEqual([]);
    } finally {
      await envoy.close();
    }
  });

  test('are as Envoy was recorded to have them', () => {
    const lines = linesOf(mesh);
    const wanted = recorded();
    expect([...lines.keys()]).toEqual([...wanted.keys()]);
    for (const [name, line] of wanted) expect(`${name} ${lines.get(name)}`).toBe(`${name} ${line}`);
  });

  test('are reported to the cluster, with 202 for an answer counted as sent', () => {
    const value = (name: string) => [...proxy.stats.counters()].find((each) => each.name === name)?.value;
    expect(value('tracing.zipkin.reports_sent')).toBeGreaterThan(0);
    expect(value('tracing.zipkin.reports_dropped')).toBe(0);
    expect(value('tracing.zipkin.spans_dropped')).toBe(0);
    const { host, contentType } = servers.collector.items[0] ?? {};
    expect({ host, contentType }).toEqual({ host: 'collector', contentType: 'application/json' });
  });
});
