/** `envoy.filters.http.health_check`: who asks whether this proxy is well, and what they are told. */
import { answer, sequence } from '@mesh/testing';
import { type Scenario, TO_A, type Yaml } from '../scenario.ts';

const TYPES = 'type.googleapis.com/envoy.extensions.filters.http';
const ROUTER: Yaml = {
  name: 'envoy.filters.http.router',
  typed_config: { '@type': `${TYPES}.router.v3.Router` },
};

function filter(path: string, more: Yaml): Yaml {
  const headers = [{ name: ':path', string_match: { exact: path } }];
  return {
    name: `check ${path}`,
    typed_config: { '@type': `${TYPES}.health_check.v3.HealthCheck`, headers, ...more },
  };
}

const here = (path: string, more: Yaml = {}) => filter(path, { pass_through_mode: false, ...more });
const through = (path: string, more: Yaml = {}) => filter(path, { pass_through_mode: true, ...more });
const atLeast = (value: number, cluster = '<a>') => ({ cluster_min_healthy_percentages: { [cluster]: { value } } });

const COUNTERS = [
  ...['request_total', 'ok', 'failed', 'degraded', 'cached_response'].map((name) => `http.health_check.${name}`),
  ...['not_found', 'empty', 'unhealthy'].map((name) => `http.health_check.failed_cluster_${name}`),
  ...['http.tracing.health_check', 'http.downstream_rq_total', 'http.downstream_rq_completed'],
  'cluster.a.upstream_rq_completed',
];

export const healthFilter: readonly Scenario[] = [
  {
    name: 'health-filter-here',
    why: 'the filter answers; such requests count as no traffic',
    routes: [TO_A],
    manager: { http_filters: [here('/hc'), ROUTER] },
    requests: ['/hc', 'HEAD /hc', '/other', '/hc?x=1', { method: 'POST', path: '/hc', body: 'abc' }],
    expect: [{ status: 200, clusters: [], headers: { 'x-envoy-upstream-healthchecked-cluster': 'test-cluster' } }],
    counters: COUNTERS,
  },
  {
    name: 'health-filter-through',
    why: 'the upstream answers; its answers are counted for no cluster',
    routes: [TO_A],
    manager: { http_filters: [through('/hc'), ROUTER] },
    upstreams: { a: sequence(answer({ status: 503 }), answer({ status: 200 }), answer({ body: 'a' })) },
    requests: ['/hc', '/hc', '/other'],
    expect: [{ status: 503 }, { status: 200 }, { status: 200 }],
    counters: COUNTERS,
  },
  {
    name: 'health-filter-cache',
    why: 'the answer of the upstream is kept, and that it was degraded',
    routes: [TO_A],
    manager: { http_filters: [through('/hc', { cache_time: '600s' }), ROUTER] },
    upstreams: { a: answer({ status: 503, headers: { 'x-envoy-degraded': '' }, body: 'no' }) },
    requests: ['/hc', '/hc', '/hc'],
    expect: [{ clusters: ['a'] }, { clusters: [] }, { clusters: [] }],
    counters: COUNTERS,
  },
  {
    name: 'health-filter-clusters',
    why: 'shares of healthy hosts decide; a cluster that is not there is never well',
    routes: [TO_A],
    manager: {
      http_filters: [
        here('/all', atLeast(100)),
        here('/empty', atLeast(1, '<empty>')),
        here('/nothing', atLeast(0, '<empty>')),
        here('/unknown', atLeast(0, '<unknown>')),
        ROUTER,
      ],
    },
    requests: ['/all', '/empty', '/nothing', '/unknown'],
    expect: [{ status: 200 }, { status: 503 }, { status: 200 }, { status: 503 }],
    counters: COUNTERS,
  },
];
