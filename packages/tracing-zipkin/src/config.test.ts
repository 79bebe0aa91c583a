import { describe, expect, test } from 'vitest';
import { collectorOf, type ZipkinConfig, zipkinConfig } from './config.ts';
import { zipkin } from './zipkin.ts';

const whole = {
  collector_cluster: 'zipkin',
  collector_endpoint: '/api/v2/spans',
  collector_endpoint_version: 'HTTP_JSON',
};
const service = { http_uri: { uri: '/api/v2/spans', cluster: 'zipkin', timeout: '1s' } };
const needed = 'collector_cluster and collector_endpoint must be specified when not using collector_service';

function issues(config: unknown): string[] {
  const { error } = zipkinConfig.safeParse(config);
  return error?.issues.map(({ path, message }) => [...path, message].join(': ')) ?? [];
}

describe('zipkinConfig', () => {
  test('takes every field of Envoy', () => {
    const all = {
      ...whole,
      trace_id_128bit: true,
      shared_span_context: false,
      collector_hostname: 'zipkin.example',
      split_spans_for_request: true,
      trace_context_option: 'USE_B3_WITH_W3C_PROPAGATION',
      collector_service: service,
      timestamp_trace_ids: true,
    };
    expect(issues(all)).toEqual([]);
  });

  test.each([
    ['/api/v1/spans', 'json-v1'],
    ['/spans', 'json-v1'],
    ['/api/v2/spans', 'json-v2'],
  ])('takes the version from the endpoint %s where it has none', (endpoint, encoding) => {
    const config = { collector_cluster: 'zipkin', collector_endpoint: endpoint };
    expect(collectorOf(zipkinConfig.parse(config) as ZipkinConfig).encoding).toBe(encoding);
  });

  test.each([
    ['HTTP_JSON_V1', 'json-v1'],
    ['DEPRECATED_AND_UNAVAILABLE_DO_NOT_USE', 'json-v1'],
    [0, 'json-v1'],
    ['HTTP_JSON', 'json-v2'],
    [1, 'json-v2'],
    ['HTTP_PROTO', 'proto'],
    [2, 'proto'],
  ])('means by version %s the form %s', (version, encoding) => {
    const config = { ...whole, collector_endpoint: '/spans', collector_endpoint_version: version };
    expect(collectorOf(zipkinConfig.parse(config) as ZipkinConfig).encoding).toBe(encoding);
  });

  test.each<[unknown, RegExp]>([
    [{ ...whole, collector_cluster: '' }, new RegExp(needed)],
    [{ ...whole, collector_endpoint: undefined }, new RegExp(needed)],
    [{}, new RegExp(needed)],
    [{ ...whole, collector_endpoint_version: 'GRPC' }, /GRPC is known to Envoy, not supported here/],
    [{ ...whole, collector_endpoint_version: 'HTTP_JSON_V1' }, /set HTTP_JSON or HTTP_PROTO/],
    [{ ...whole, bogus: 1 }, /unknown field "bogus"/],
    [{ collector_service: {} }, /http_uri: is required/],
    [{ collector_service: { http_uri: { ...service.http_uri, uri: '' } } }, /uri: expected a non-empty string/],
    [{ collector_service: { ...service, formatters: [] } }, /formatters: known to Envoy, not supported here/],
    [
      {
        collector_service: {
          ...service,
          request_headers_to_add: [{ header: { key: 'a', value: '%HOSTNAME%' } }],
        },
      },
      /value: the request belongs to no exchange/,
    ],
  ])('refuses %j', (config, problem) => {
    expect(issues(config).join('\n')).toMatch(problem);
  });
});

describe('zipkin', () => {
  test('refuses in code what it refuses in YAML', () => {
    expect(() => zipkin({ collectorCluster: 'zipkin' })).toThrow(needed);
  });
});
