import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createProxy } from '@mesh/core';
import { metrics } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as sinks from './index.ts';

const { openTelemetryMetrics, statsd } = sinks;
const extensions = [sinks.statsd, sinks.dogStatsd, sinks.graphiteStatsd, sinks.openTelemetrySink];
const page = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

function blocks(language: string): string[] {
  const found = [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  return found.flatMap(([, kind, text = '']) => (kind === language ? [text] : []));
}

class Reader extends MetricReader {
  protected onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

let folder = '';
const before = process.cwd();
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'mesh-readme-'));
  writeFileSync(path.join(folder, 'envoy.yaml'), 'admin: {}\n');
  process.chdir(folder);
});
afterEach(() => metrics.disable());
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

describe('README', () => {
  it.each(blocks('yaml'))('shows configuration that loads:\n%s', async (text) => {
    const cluster = `{ name: collector, http2_protocol_options: {}, load_assignment: { cluster_name: collector } }`;
    writeFileSync('shown.yaml', `${text}static_resources: { clusters: [${cluster}] }\n`);
    const proxy = await createProxy({ config: 'shown.yaml', extensions });
    await proxy.close();
  });

  it('shows code that works for statsd', async () => {
    const proxy = await createProxy({
      config: 'envoy.yaml',
      statsSinks: [statsd({ address: { socketAddress: { address: '127.0.0.1', portValue: 8125 } }, prefix: 'edge' })],
    });
    await proxy.close();
  });

  it('shows code that works for the OpenTelemetry API', async () => {
    const reader = new Reader();
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
    const proxy = await createProxy({
      config: 'envoy.yaml',
      statsSinks: [openTelemetryMetrics({ meterName: 'edge', prefix: 'envoy' })],
    });
    await proxy.close();
  });

  const files = [import.meta.url, new URL('../../core/src/application-registry.test.ts', import.meta.url)];
  const source = files.map((file) => readFileSync(new URL(file), 'utf8').replaceAll(/^ +/gm, '')).join('');
  it.each(blocks('ts'))('shows code of a test:\n%s', (text) => {
    expect(source).toContain(text.replaceAll(/^ +/gm, ''));
  });
});
