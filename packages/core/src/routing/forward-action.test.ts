import { describe, expect, it } from 'vitest';
import type { ForwardAction } from '../api/route.ts';
import { ResponseHead } from '../headers/header-map.ts';
import { forwarding, parsed } from './fixtures/parsed.ts';
import { request } from './fixtures/settings.ts';
import { STREAM } from './fixtures/stream.ts';
import { FORWARD_DEFAULTS } from './forward-action.ts';

type Raw = Readonly<Record<string, unknown>>;

function actionOf(action: Raw, route: Raw = {}, host: Raw = {}, table: Raw = {}): ForwardAction {
  return parsed([forwarding(action, route)], host, table).route(request(), STREAM)?.action as ForwardAction;
}

const typed = (name: string, type: string, rest: Raw = {}) => ({
  name,
  typed_config: { '@type': `type.googleapis.com/envoy.extensions.${type}`, ...rest },
});

describe('compileForward', () => {
  it('gives the defaults of Envoy when only the cluster is configured', () => {
    expect({ ...actionOf({}), hash: 0 }).toEqual({ ...FORWARD_DEFAULTS, cluster: 'c', hash: 0 });
  });

  it.each<[string, Raw, Partial<ForwardAction>]>([
    ['a cluster header', { cluster_header: 'X-Cluster' }, { cluster: '', clusterHeader: 'x-cluster' }],
    ['the status without a cluster', { cluster_not_found_response_code: 'NOT_FOUND' }, { clusterNotFoundStatus: 404 }],
    [
      'timeouts',
      { timeout: '0s', idle_timeout: '1s', flush_timeout: '2s' },
      { timeoutMs: 0, idleTimeoutMs: 1000, flushTimeoutMs: 2000 },
    ],
    [
      'the stream duration',
      { max_stream_duration: { max_stream_duration: '3s', grpc_timeout_header_max: '0s' } },
      { streamDuration: { maxStreamDurationMs: 3000, grpcTimeoutHeaderMaxMs: 0, grpcTimeoutHeaderOffsetMs: 0 } },
    ],
    [
      'gRPC timeouts',
      { max_grpc_timeout: '0s', grpc_timeout_offset: '0.1s' },
      { maxGrpcTimeoutMs: 0, grpcTimeoutOffsetMs: 100 },
    ],
    ['the priority', { priority: 'HIGH' }, { priority: 'high' }],
    [
      'upgrades',
      {
        upgrade_configs: [
          { upgrade_type: 'WebSocket' },
          { upgrade_type: 'CONNECT', enabled: false, connect_config: { allow_post: true } },
        ],
      },
      {
        upgrades: new Map([
          ['websocket', { enabled: true, connect: undefined }],
          ['connect', { enabled: false, connect: { allowPost: true } }],
        ]),
      },
    ],
    [
      'metadata',
      { metadata_match: { filter_metadata: { 'envoy.lb': { a: 1 }, other: {} } } },
      { metadataMatch: { a: 1 } },
    ],
    [
      'host rewrites by the router',
      { auto_host_rewrite: true, append_x_forwarded_host: true },
      { autoHostRewrite: true, appendXForwardedHost: true },
    ],
  ])('%s', (_, action, expected) => {
    expect(actionOf(action)).toMatchObject(expected);
  });

  it('carries what the virtual host says about attempts', () => {
    const host = {
      include_request_attempt_count: true,
      include_attempt_count_in_response: true,
      include_is_timeout_retry_header: true,
    };
    expect(actionOf({}, {}, host)).toMatchObject({
      includeRequestAttemptCount: true,
      includeAttemptCountInResponse: true,
      includeIsTimeoutRetryHeader: true,
    });
  });

  it.each<[Raw, Raw, number | undefined]>([
    [{}, {}, undefined],
    [{}, { per_request_buffer_limit_bytes: 1 }, 1],
    [{}, { per_request_buffer_limit_bytes: 1, request_body_buffer_limit: '2' }, 2],
    [{ per_request_buffer_limit_bytes: 3 }, { request_body_buffer_limit: 2 }, 3],
    [{ per_request_buffer_limit_bytes: 3, request_body_buffer_limit: 4 }, {}, 4],
  ])('limits the kept body by route %j, virtual host %j: %s', (route, host, expected) => {
    expect(actionOf({}, route, host).requestBufferLimitBytes).toBe(expected);
  });
});

describe('compileRetryPolicy', () => {
  it('fills in the defaults of Envoy', () => {
    expect(actionOf({ retry_policy: {} }).retry).toEqual({
      retryOn: [],
      numRetries: 1,
      perTryTimeoutMs: 0,
      perTryIdleTimeoutMs: 0,
      retriableStatusCodes: [],
      retriableHeaders: [],
      retriableRequestHeaders: [],
      backOff: undefined,
      rateLimitedBackOff: undefined,
      hostPredicates: [],
      retryPriority: undefined,
      hostSelectionMaxAttempts: 1,
    });
  });

  it('takes every field', () => {
    const policy = {
      retry_on: '5xx, reset,,nonsense',
      num_retries: 0,
      per_try_timeout: '0.25s',
      per_try_idle_timeout: '1s',
      retry_host_predicate: [
        typed('any', 'retry.host.previous_hosts.v3.PreviousHostsPredicate'),
        typed('envoy.x', 'retry.host.omit_host_metadata.v3.OmitHostMetadataConfig', {
          metadata_match: { filter_metadata: { 'envoy.lb': { canary: true } } },
        }),
      ],
      host_selection_retry_max_attempts: '5',
      retriable_status_codes: [503],
      retry_back_off: { base_interval: '0.0005s' },
      rate_limited_retry_back_off: { reset_headers: [{ name: 'X-Reset', format: 'UNIX_TIMESTAMP' }] },
      retriable_headers: [{ name: 'x-retry', string_match: { exact: 'yes' } }],
      retriable_request_headers: [{ name: ':method', string_match: { exact: 'GET' } }],
    };
    const { retry } = actionOf({ retry_policy: policy });
    expect(retry).toMatchObject({
      retryOn: ['5xx', 'reset', 'nonsense'],
      numRetries: 0,
      perTryTimeoutMs: 250,
      perTryIdleTimeoutMs: 1000,
      hostPredicates: [
        { name: 'envoy.retry_host_predicates.previous_hosts', config: {} },
        {
          name: 'envoy.retry_host_predicates.omit_host_metadata',
          config: { metadataMatch: { 'envoy.lb': { canary: true } } },
        },
      ],
      hostSelectionMaxAttempts: 5,
      retriableStatusCodes: [503],
      backOff: { baseMs: 1, maxMs: 10 },
      rateLimitedBackOff: { resetHeaders: [{ name: 'x-reset', format: 'UNIX_TIMESTAMP' }], maxMs: 300_000 },
    });
    const response = new ResponseHead();
    response.append('x-retry', 'yes');
    expect(retry?.retriableHeaders[0]?.matches(response)).toBe(true);
    expect(retry?.retriableRequestHeaders[0]?.matches(request())).toBe(true);
  });

  it("a route's policy takes the place of the virtual host's as a whole; hedging likewise", () => {
    const host = {
      retry_policy: { num_retries: 7, retry_on: '5xx' },
      hedge_policy: { hedge_on_per_try_timeout: true },
    };
    expect(actionOf({}, {}, host)).toMatchObject({ retry: { numRetries: 7 }, hedge: { hedgeOnPerTryTimeout: true } });
    const own = { retry_policy: { retry_on: 'reset' }, hedge_policy: {} };
    expect(actionOf(own, {}, host)).toMatchObject({
      retry: { numRetries: 1, retryOn: ['reset'] },
      hedge: { hedgeOnPerTryTimeout: false },
    });
  });
});

describe('compileInternalRedirects', () => {
  it.each<[Raw, Raw | undefined]>([
    [{}, undefined],
    [{ internal_redirect_action: 'PASS_THROUGH_INTERNAL_REDIRECT' }, undefined],
    [
      { internal_redirect_action: 'HANDLE_INTERNAL_REDIRECT', max_internal_redirects: 3 },
      { maxInternalRedirects: 3, statuses: [302] },
    ],
    [
      { internal_redirect_policy: {} },
      { maxInternalRedirects: 1, statuses: [302], allowCrossScheme: false, predicates: [] },
    ],
    [
      {
        internal_redirect_policy: {
          max_internal_redirects: 0,
          redirect_response_codes: [301, 200, 308],
          allow_cross_scheme_redirect: true,
          response_headers_to_copy: ['X-A'],
          predicates: [
            typed('p', 'internal_redirect.allow_listed_routes.v3.AllowListedRoutesConfig', {
              allowed_route_names: ['r'],
            }),
            typed('q', 'internal_redirect.safe_cross_scheme.v3.SafeCrossSchemeConfig'),
          ],
        },
      },
      {
        maxInternalRedirects: 0,
        statuses: [301, 308],
        allowCrossScheme: true,
        responseHeadersToCopy: ['x-a'],
        predicates: [
          { name: 'envoy.internal_redirect_predicates.allow_listed_routes', config: { allowedRouteNames: ['r'] } },
          { name: 'envoy.internal_redirect_predicates.safe_cross_scheme', config: {} },
        ],
      },
    ],
  ])('%j', (action, expected) => {
    const { internalRedirect } = actionOf(action);
    if (expected === undefined) expect(internalRedirect).toBeUndefined();
    else expect(internalRedirect).toMatchObject(expected);
  });
});

describe('Mirror', () => {
  const mirror = (cluster: string) => ({ request_mirror_policies: [{ cluster }] });
  const clusters = (action: Raw, host: Raw, table: Raw) =>
    actionOf(action, {}, host, table).mirrors.map(({ cluster }) => cluster);

  it('the most specific level that has any wins', () => {
    expect(clusters(mirror('r'), mirror('h'), mirror('t'))).toEqual(['r']);
    expect(clusters({}, mirror('h'), mirror('t'))).toEqual(['h']);
    expect(clusters({}, {}, mirror('t'))).toEqual(['t']);
    expect(clusters({}, {}, {})).toEqual([]);
  });

  it('takes every field', () => {
    const policy = {
      cluster_header: 'X-Shadow',
      runtime_fraction: { default_value: { numerator: 5, denominator: 'TEN_THOUSAND' }, runtime_key: 'k' },
      disable_shadow_host_suffix_append: true,
      host_rewrite_literal: 'shadow.host',
      request_headers_mutations: [{ append: { header: { key: 'a', value: '1' } } }, { remove: 'a' }, { remove: 'b' }],
    };
    const [compiled] = actionOf({ request_mirror_policies: [policy] }).mirrors;
    expect(compiled).toMatchObject({
      cluster: '',
      clusterHeader: 'x-shadow',
      fraction: { numerator: 5, denominator: 10_000, runtimeKey: 'k' },
      keepHost: true,
      hostRewrite: 'shadow.host',
    });
    const head = request('/', 'h', ['b', '1', 'c', '1']);
    compiled?.mutate(head, STREAM);
    expect([...head.entries()].filter(([name]) => name.length === 1)).toEqual([['c', '1']]);
  });
});
