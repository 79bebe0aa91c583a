/** One request, told to Zipkin and to the application's OpenTelemetry SDK; and that the pages show what runs here. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { validateConfig } from '@mesh/core';
import { standard } from '@mesh/standard';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Arrived, type Recorder, type Report, startCollector, startUpstream } from './collector.ts';
import type { ZipkinSpan } from './observe.ts';
import { exampleProxy, offeredByYaml } from './readme-example.ts';
import { registerSdk } from './sdk.ts';

let upstream: Recorder<Arrived>;
let collector: Recorder<Report>;

beforeAll(async () => {
  [upstream, collector] = await Promise.all([startUpstream(), startCollector()]);
});
afterAll(async () => {
  await Promise.all([upstream.close(), collector.close()]);
});

const places = (check: () => Promise<void>) => ({
  app: `127.0.0.1:${upstream.port}`,
  collector: `127.0.0.1:${collector.port}`,
  check,
});
const reported = () => collector.items.flatMap(({ body }) => JSON.parse(body.toString()) as ZipkinSpan[]);
const pages = ['tracing-zipkin', 'tracing-opentelemetry'].map((name) =>
  readFileSync(new URL(`../../packages/${name}/README.md`, import.meta.url), 'utf8'),
);
const blocks = (language: string) =>
  pages.flatMap((page) =>
    [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text),
  );

const numbered = (language: string) => blocks(language).map((text, at) => [at + 1, text] as const);

describe('a span that is offered', () => {
  test('has the same ids in Zipkin and in the SDK, and the work of a filter is below it', async () => {
    const sdk = registerSdk();
    collector.items.length = 0;
    const proxy = await exampleProxy(
      'offered',
      places(async () => {
        await null;
        sdk.work('check');
      }),
    );
    try {
      await proxy.start();
      await (await fetch(`http://127.0.0.1:${proxy.address('in').port}/offered`)).arrayBuffer();
    } finally {
      await proxy.close();
      sdk.remove();
    }
    const [span] = reported();
    const [work, request] = sdk.spans();
    expect(reported()).toHaveLength(1);
    expect(sdk.spans()).toHaveLength(2);
    expect(request?.spanContext()).toMatchObject({ traceId: span?.traceId, spanId: span?.id });
    expect(work).toMatchObject({ name: 'check', parentSpanContext: { spanId: span?.id } });
    expect(request?.attributes).toEqual(span?.tags);
    const { headers } = upstream.items.find((each) => each.path === '/offered') as Arrived;
    expect(headers).toMatchObject({ 'x-b3-traceid': span?.traceId, 'x-b3-spanid': span?.id });
  });

  test.each(['zipkin', 'sdk'] as const)('may be one of %s alone', async (way) => {
    const sdk = registerSdk();
    collector.items.length = 0;
    const proxy = await exampleProxy(
      way,
      places(async () => {}),
    );
    try {
      await proxy.start();
      await (await fetch(`http://127.0.0.1:${proxy.address('in').port}/${way}`)).arrayBuffer();
    } finally {
      await proxy.close();
      sdk.remove();
    }
    expect([reported().length, sdk.spans().length]).toEqual(way === 'zipkin' ? [2, 0] : [0, 1]);
  });
});

describe('the pages', () => {
  const source = readFileSync(new URL('readme-example.ts', import.meta.url), 'utf8');
  const flat = (text: string) => text.replace(/\s+/g, ' ').trim();

  test.each(numbered('ts'))('show code that runs here (%i)', (_number, text) => {
    expect(flat(source)).toContain(flat(text));
  });

  test.each(numbered('yaml'))('show configuration that is valid (%i)', async (_number, text) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'mesh-zipkin-'));
    const file = path.join(folder, 'mesh.yaml');
    try {
      await writeFile(file, text);
      await validateConfig({ config: file, extensions: standard });
      await (await offeredByYaml(file)).close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
