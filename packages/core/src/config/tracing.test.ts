import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defineTracer } from '../define/index.ts';
import { customTag } from './custom-tags.ts';
import type { Extensions } from './extension.ts';
import {
  type Accepted,
  bootstrap,
  expectAccepted,
  expectRefused,
  type Refused,
  refusals,
  registry,
} from './fixture.ts';
import { ConfigError } from './issues.ts';
import { loadConfigText } from './load.ts';
import { message, withDefault } from './message.ts';
import { parseBootstrap } from './parse.ts';
import { string } from './proto-json.ts';
import { decorator, managerTracing, routeTracing } from './tracing.ts';

const ZIPKIN = 'type.googleapis.com/envoy.config.trace.v3.ZipkinConfig';
const zipkin = defineTracer({
  name: 'envoy.tracers.zipkin',
  typeUrl: ZIPKIN,
  config: message(
    { collector_cluster: withDefault(string(), ''), collector_endpoint: withDefault(string(), '') },
    { name: 'envoy.config.trace.v3.ZipkinConfig' },
  ),
  create: () => ({ startSpan: () => undefined }),
});

const extensions: Extensions = {
  find(kind, by) {
    if (kind !== 'tracer') return registry.find(kind, by);
    return by.typeUrl === ZIPKIN || (by.typeUrl === undefined && by.name === zipkin.name) ? zipkin : undefined;
  },
  names: (kind) => (kind === 'tracer' ? [zipkin.name] : registry.names(kind)),
};

const parse = (text: string) => parseBootstrap(loadConfigText(text, 'c.yaml'), { extensions }).config;

function problems(text: string): string[] {
  try {
    parse(text);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
}

/** A connection manager with this `tracing`. */
const managed = (tracing: string, listener = '') =>
  bootstrap({ manager: `stat_prefix: in\n          tracing: ${tracing}` }).replace(
    '  - name: l\n',
    `  - name: l\n${listener === '' ? '' : `    ${listener}\n`}`,
  );

function listenerOf(text: string) {
  const [listener] = parse(text).staticResources.listeners;
  const [filter] = listener?.filterChains[0]?.filters ?? [];
  return {
    direction: listener?.trafficDirection,
    tracing: (filter?.config as { tracing?: object } | undefined)?.tracing,
  };
}

const literal = { value: 'v' };
const key = { key: 'k', path: [{ key: 'a' }] };

const accepted: readonly Accepted[] = [
  [
    'the defaults of a manager',
    managerTracing,
    () => ({}),
    { verbose: false, maxPathTagLength: 256, spawnUpstreamSpan: false, operation: '', noContextPropagation: false },
  ],
  ['shares', managerTracing, () => ({ random_sampling: { value: 0.5 } }), { randomSampling: { value: 0.5 } }],
  ['a format', managerTracing, () => ({ operation: '%REQ(x)%' }), { operation: '%REQ(x)%' }],
  ['a route', routeTracing, () => ({ random_sampling: { numerator: 200 } }), { randomSampling: { numerator: 200 } }],
  ['a decorator', decorator, () => ({ operation: 'o' }), { operation: 'o', propagate: true }],
  ['a literal', customTag, () => ({ tag: 't', literal }), { tag: 't', literal }],
  ['an empty format', customTag, () => ({ tag: 't', value: '' }), { value: '' }],
  ['a header that is none', customTag, () => ({ tag: 't', request_header: { name: 'a b' } }), {}],
  ['metadata of no kind', customTag, () => ({ tag: 't', metadata: { metadata_key: key } }), {}],
  ['metadata without a key', customTag, () => ({ tag: 't', metadata: { kind: { host: {} } } }), {}],
];

const refused: readonly Refused[] = [
  [
    'a share',
    managerTracing,
    () => ({ random_sampling: { value: 101 } }),
    'random_sampling.value: expected a number from 0 to 100, got 101',
  ],
  ['a format', managerTracing, () => ({ operation: '%FOO%' }), expect.stringContaining('FOO') as unknown as string],
  [
    'a decorator without a name',
    decorator,
    () => ({ operation: '' }),
    'operation: expected a non-empty string, got ""',
  ],
  [
    'a tag without a source',
    customTag,
    () => ({ tag: 't' }),
    'needs one of literal, environment, request_header, metadata, value',
  ],
  ['a tag without a name', customTag, () => ({ tag: '', literal }), 'tag: expected a non-empty string, got ""'],
  ['an empty literal', customTag, () => ({ tag: 't', literal: {} }), 'literal.value: is required'],
  [
    'an empty header',
    customTag,
    () => ({ tag: 't', request_header: { name: '' } }),
    expect.stringContaining('request_header.name') as unknown as string,
  ],
  [
    'a header in two lines',
    customTag,
    () => ({ tag: 't', request_header: { name: 'a\nb' } }),
    expect.stringContaining('NUL and line breaks') as unknown as string,
  ],
  [
    'a kind that is none',
    customTag,
    () => ({ tag: 't', metadata: { kind: {}, metadata_key: key } }),
    'metadata.kind: needs one of request, route, cluster, host',
  ],
  [
    'a key without a path',
    customTag,
    () => ({ tag: 't', metadata: { metadata_key: { key: 'k' } } }),
    'metadata.metadata_key.path: is required',
  ],
  [
    'what routes have not',
    routeTracing,
    () => ({ spawn_upstream_span: true }),
    expect.stringContaining('unknown field "spawn_upstream_span"') as unknown as string,
  ],
];

describe('messages', () => {
  it.each(accepted)('%s is read', (_name, schema, value, part) => expectAccepted(schema, value(), part));
  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});

describe('providers', () => {
  const provider = `{ name: any, typed_config: { "@type": ${ZIPKIN}, collector_cluster: c } }`;

  it('stand in the connection manager and in the bootstrap', () => {
    const text = `${managed(`{ provider: ${provider} }`)}tracing: { http: ${provider} }\n`;
    expect(listenerOf(text).tracing).toMatchObject({
      provider: { definition: zipkin, config: { collectorCluster: 'c' } },
    });
    expect(parse(text).tracing?.http).toMatchObject({ definition: zipkin, config: { collectorCluster: 'c' } });
  });

  it.each([
    ['{ name: foo }', "Didn't find a registered implementation for 'foo' with type URL: ''"],
    ['{ }', 'name: is required'],
    [
      `{ name: z, typed_config: { "@type": ${ZIPKIN}, collector_cluster: cc } }`,
      `typed_config.collector_cluster: envoy.tracers.zipkin: unknown cluster 'cc' (did you mean "c"?)`,
    ],
  ])('%s is refused in both', (wrong, text) => {
    for (const config of [managed(`{ provider: ${wrong} }`), `${bootstrap()}tracing: { http: ${wrong} }\n`]) {
      expect(problems(config)).toEqual([expect.stringContaining(text)]);
    }
  });
});

describe('the form of 2018', () => {
  it('loads the front proxy of the documents as it is', () => {
    const text = readFileSync(new URL('./fixtures/front-envoy-zipkin-v2.yaml', import.meta.url), 'utf8');
    expect(problems(text)).toEqual([]);
    expect(listenerOf(text)).toMatchObject({ direction: 'OUTBOUND', tracing: { customTags: [] } });
    expect(parse(text).tracing?.http).toMatchObject({
      definition: zipkin,
      config: { collectorCluster: 'zipkin', collectorEndpoint: '/api/v1/spans' },
    });
  });

  it.each([
    ['egress', '', 'OUTBOUND'],
    ['EGRESS', '', 'OUTBOUND'],
    ['ingress', '', 'UNSPECIFIED'],
    ['egress', 'traffic_direction: INBOUND', 'INBOUND'],
  ])('operation_name %s, listener %j', (name, listener, direction) => {
    expect(listenerOf(managed(`{ operation_name: ${name} }`, listener)).direction).toBe(direction);
  });

  it('operation_name of another direction than the listener has by now is refused', () => {
    const text = managed('{ operation_name: egress }');
    const chain = text.slice(text.indexOf('    - filters:'), text.indexOf('  clusters:'));
    const second = chain.replace('- filters:', '- filter_chain_match: { destination_port: 5 }\n      filters:');
    const both = text.replace('  clusters:', `${second.replace('egress', 'ingress')}  clusters:`);
    expect(problems(both)).toEqual([
      expect.stringContaining('operation_name: known to Envoy, not supported here: the listener'),
    ]);
  });

  it('request_headers_for_tags become custom tags', () => {
    const text = managed('{ request_headers_for_tags: [x-a], custom_tags: [{ tag: own, literal: { value: v } }] }');
    expect(listenerOf(text).tracing).toMatchObject({
      customTags: [
        { tag: 'own', literal },
        { tag: 'x-a', requestHeader: { name: 'x-a', defaultValue: '' } },
      ],
    });
  });

  it('a problem is told where it was written', () => {
    expect(problems(managed('{ request_headers_for_tags: [""] }'))[0]).toContain('request_headers_for_tags[0]');
  });
});
