/** Flags that tell of the proxy's own rules, and of the client. */
import { setTimeout as delay } from 'node:timers/promises';
import { defineHttpFilter } from '@mesh/core';
import { neverAnswer, rawClient, startDnsServer } from '@mesh/testing';
import { head } from '../envoy/h2-ask.ts';
import { H2Client } from '../envoy/h2-client.ts';
import { tcpProxy } from '../envoy/pieces.ts';
import { prefix, type Scenario, TO_A, type Yaml } from '../envoy/scenario.ts';
import type { StartServer } from '../envoy/server.ts';
import type { Talk } from '../envoy/talk.ts';
import { half, INTERNAL, silent, to } from '../local-replies/row.ts';
import { clusters, explain, type FlagEntry, httpFilter, ROUTER, stats } from './fault.ts';
import { call, tcp } from './tcp.ts';

const STEP_MS = 20;
const LIMIT_MS = 2000;

/** Resolves when the upstream has the request. */
async function underWay(received: () => readonly unknown[]): Promise<void> {
  for (let waitedMs = 0; received().length === 0 && waitedMs < LIMIT_MS; waitedMs += STEP_MS) await delay(STEP_MS);
}

/** Goes away while the answer is awaited. An orderly end would only say that it has no more requests. */
const leaves: Talk = async ({ port, received }) => {
  const client = await rawClient(port);
  await client.send('GET / HTTP/1.1\r\nhost: h.test\r\n\r\n');
  await underWay(received);
  client.socket.resetAndDestroy();
  return 'The client resets its connection.';
};

/** Cancels its HTTP/2 stream while the answer is awaited. */
const cancels: Talk = async ({ port, received }) => {
  const client = await H2Client.connect(port);
  const stream = client.open(head());
  await underWay(received);
  client.reset(stream, 8);
  await delay(STEP_MS);
  client.close();
  return 'The client sends RST_STREAM(CANCEL).';
};

const TO_UNKNOWN = { ...to({}, '<unknown>'), table: { validate_clusters: false } };

const FORWARD_TYPES = 'type.googleapis.com/envoy.extensions';

/** Asks the server `d` only. Its statistics bear the name of the fault. */
const DNS_CACHE: Yaml = {
  name: 'df-nxdomain',
  dns_lookup_family: 'V4_ONLY',
  typed_dns_resolver_config: {
    name: 'envoy.network.dns_resolver.cares',
    typed_config: {
      '@type': `${FORWARD_TYPES}.network.dns_resolver.cares.v3.CaresDnsResolverConfig`,
      resolvers: [{ socket_address: { address: '127.0.0.1', port_value: '<port-d>' } }],
      dns_resolver_options: { no_default_search_domain: true },
    },
  },
};

const FORWARD_CLUSTER: Yaml = {
  name: 'envoy.clusters.dynamic_forward_proxy',
  typed_config: {
    '@type': `${FORWARD_TYPES}.clusters.dynamic_forward_proxy.v3.ClusterConfig`,
    dns_cache_config: DNS_CACHE,
  },
};

const FORWARD_FILTER = httpFilter('dynamic_forward_proxy.v3.FilterConfig', { dns_cache_config: DNS_CACHE });

/** It knows no name. */
const nameServer: StartServer = async () => {
  const server = await startDnsServer();
  return { port: server.port, received: [], close: () => server.close() };
};

/** The cluster drops so many of a million requests. */
const dropping = (numerator: number): Partial<Scenario> => ({
  routes: [TO_A],
  clusters: {
    a: {
      load_assignment: {
        cluster_name: '<a>',
        endpoints: [
          {
            lb_endpoints: [
              { endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: '<port>' } } } },
            ],
          },
        ],
        policy: { drop_overloads: [{ category: 'shed', drop_percentage: { numerator, denominator: 'MILLION' } }] },
      },
    },
  },
  requests: ['/'],
});

/** No upstream is asked, because the configuration says so. */
export const routing: readonly FlagEntry[] = [
  {
    flag: 'NR',
    long: 'NoRouteFound',
    means: 'No virtual host or no route of the listener matches the request.',
    causes: [
      'the `Host` of the request is in no `domains` list (a port in it, a new name, a health checker that sends an address)',
      'the path or a header differs from what the route asks for: case, a missing prefix, a query parameter',
    ],
    look: [
      explain('which virtual host and route match, and for every earlier route the condition that fails'),
      {
        run: "curl -s '127.0.0.1:8001/config_dump?resource=static_route_configs'",
        tells: 'the routes as they are now',
      },
      stats('http.ingress.no_route', 'how many'),
    ],
    faults: [
      {
        name: 'nr-route',
        title: 'no route matches',
        how: 'the only route is for `/api`',
        so: '`cluster=-`: no route was chosen. `mesh explain` tells for each route which of its conditions fails for this path.',
        given: { routes: [prefix('/api', '<a>')], requests: ['/other'] },
      },
    ],
  },
  {
    flag: 'NC',
    long: 'NoClusterFound',
    means: 'The route names a cluster that does not exist (now).',
    causes: [
      'a cluster was removed while routes still name it, or the route came before its cluster',
      '`cluster_header`: the header of the request names a cluster that nobody knows',
      'a spelling mistake, where `validate_clusters` is off',
    ],
    look: [
      stats('http.ingress.no_cluster', 'how many'),
      clusters('the clusters that exist'),
      explain('the cluster that the route names for this request'),
      { run: 'curl -s 127.0.0.1:8001/config_dump', tells: 'when clusters and routes were last updated' },
    ],
    faults: [
      {
        name: 'nc-unknown',
        title: 'the cluster does not exist',
        how: 'a route to an unknown cluster, with `validate_clusters: false`',
        so: 'A route was chosen, but there is no cluster of its name: the configurations of routes and clusters do not fit together.',
        given: { ...TO_UNKNOWN, requests: ['/'] },
      },
    ],
  },
  {
    flag: 'DO',
    long: 'DropOverload',
    means:
      'The control plane asks that a part of the requests of this cluster be dropped (`drop_overloads`), and this one was.',
    causes: ['an overloaded service sheds load through its control plane'],
    look: [
      stats(
        'cluster.service1.upstream_rq_503',
        'how many, beside other reasons for 503: Envoy has no counter of its own for it',
      ),
      clusters('whether its hosts are overloaded'),
    ],
    faults: [
      {
        name: 'do-share',
        title: 'a share of the requests is dropped',
        how: '`drop_overloads` of 999999 in a million',
        so: 'Nothing is wrong here: the control plane sheds load. `host=-` and `attempts=0`: no host was asked.',
        given: dropping(999_999),
      },
    ],
  },
  {
    flag: 'UDO',
    long: 'UnconditionalDropOverload',
    means: 'All requests of the cluster are dropped: its `drop_overloads` is 100 %.',
    causes: ['somebody has taken the service out of traffic through the control plane'],
    look: [
      stats(
        'cluster.service1.upstream_rq_503',
        'how many, beside other reasons for 503: Envoy has no counter of its own for it',
      ),
    ],
    faults: [
      {
        name: 'udo-all',
        title: 'every request is dropped',
        how: '`drop_overloads` of 100 %',
        so: 'The whole service is switched off on purpose: find out who set `drop_overloads`.',
        given: dropping(1_000_000),
      },
    ],
  },
  {
    flag: 'IH',
    long: 'InvalidEnvoyRequestHeaders',
    means: 'An `x-envoy-` field that `strict_check_headers` lists has a value that cannot be read.',
    causes: [
      'a client or a sidecar that sets a timeout or retry field to something that is no number, or no known condition',
    ],
    look: [
      stats('http.ingress.downstream_rq_4xx', 'how many, beside other reasons for a 4xx'),
      {
        run: 'grep strict_check access.log',
        tells: 'the details name the field: `request_headers_failed_strict_check{…}`',
      },
    ],
    faults: [
      {
        name: 'ih-strict',
        title: 'a retry field that is no number',
        how: '`strict_check_headers: [x-envoy-max-retries]`; a trusted client sends `x-envoy-max-retries: x`',
        so: 'The details name the field; the body of the answer repeats its value.',
        given: {
          routes: [TO_A],
          router: { strict_check_headers: ['x-envoy-max-retries'] },
          manager: INTERNAL,
          requests: [{ headers: { 'x-envoy-max-retries': 'x' } }],
        },
      },
    ],
  },
  {
    flag: 'LH',
    long: 'FailedLocalHealthCheck',
    means: 'The health_check filter told whoever asked that this proxy, or the service behind it, is not well.',
    causes: [
      'somebody called `/healthcheck/fail` (a deployment that drains), and nobody `/healthcheck/ok`',
      'too few healthy hosts in a cluster of `cluster_min_healthy_percentages`',
    ],
    look: [
      { run: 'curl -s 127.0.0.1:8001/server_info | grep state', tells: '`DRAINING` after `/healthcheck/fail`' },
      stats('http.ingress.health_check', 'what the filter answered, and which cluster it found wanting'),
      clusters('the health of the hosts behind it'),
    ],
    faults: [
      {
        name: 'lh-cluster',
        title: 'too few healthy hosts',
        how: 'a health_check filter with `cluster_min_healthy_percentages` of 50 for an empty cluster',
        so: 'The details name the cluster that has too few healthy hosts: go on there, with the flags of its own requests.',
        given: {
          ...to({}, '<empty>'),
          manager: {
            http_filters: [
              httpFilter('health_check.v3.HealthCheck', {
                pass_through_mode: false,
                headers: [{ name: ':path', string_match: { exact: '/healthz' } }],
                cluster_min_healthy_percentages: { '<empty>': { value: 50 } },
              }),
              ROUTER,
            ],
          },
          requests: ['/healthz'],
        },
      },
    ],
  },
  {
    flag: 'DF',
    long: 'DnsResolutionFailed',
    means: 'The dynamic forward proxy could not find an address for the host of the request.',
    causes: [
      'a name that does not exist',
      'name servers that do not answer: the details and `dns_cache.*` tell them apart',
    ],
    look: [
      stats('dns_cache', 'queries, failures, timeouts'),
      { run: 'dig shop.example', tells: 'what the name servers of this machine say' },
    ],
    faults: [
      {
        name: 'df-nxdomain',
        title: 'the name does not exist',
        how: 'a dynamic_forward_proxy filter; the name server answers NXDOMAIN',
        so: 'The details carry what the name server said.',
        given: {
          routes: [TO_A],
          servers: { d: nameServer },
          clusters: {
            a: { hosts: [], load_assignment: undefined, lb_policy: 'CLUSTER_PROVIDED', cluster_type: FORWARD_CLUSTER },
          },
          manager: { http_filters: [FORWARD_FILTER, ROUTER] },
          requests: [{ host: 'nowhere.test' }],
        },
      },
    ],
  },
];

/** A filter of one's own that changes a body and leaves `content-length` as it was. */
const longer = defineHttpFilter({
  name: 'longer',
  config: { '~standard': { version: 1, vendor: 'conformance', validate: (value) => ({ value }) } },
  create: () => ({ onRequestData: (chunk) => Buffer.concat([chunk, Buffer.from('and more')]) }),
});

/** Streams that take too long here, clients that go or break the rules. */
export const streams: readonly FlagEntry[] = [
  {
    flag: 'LR',
    long: 'LocalReset',
    means: 'The proxy itself reset its request to the upstream, since going on would have been wrong.',
    causes: [
      'a filter that changes the body and leaves `content-length` as it was',
      'a request that ends before the length that its head has promised',
    ],
    look: [
      stats(
        'cluster.service1.upstream_rq_(503|tx_reset)',
        'how many; `tx_reset` are resets of HTTP/2 streams by this side',
      ),
      explain('the filters that the request meets: one of them changes it'),
    ],
    faults: [
      {
        name: 'lr-length',
        title: 'a filter makes the body longer than its length',
        how: 'a filter of the test appends to the body of a request with `content-length: 3`',
        so: 'The length in the head is a promise to the upstream. A filter that cannot keep it has to remove the field, and the codec frames the body itself.',
        given: {
          routes: [TO_A],
          manager: { http_filters: [{ name: 'longer' }, ROUTER] },
          requests: [{ method: 'POST', body: 'abc' }],
        },
        extensions: [longer],
        onlyHere: 'the filter is written in TypeScript',
      },
    ],
  },
  {
    flag: 'SI',
    long: 'StreamIdleTimeout',
    means: 'Nothing was sent or received on the stream for `stream_idle_timeout` (default 5 minutes).',
    causes: [
      'a client that stopped in the middle of its upload, or an upstream that stopped in the middle of its answer',
      'long polling and quiet event streams that need a longer idle timeout on their route',
    ],
    look: [stats('http.ingress.downstream_rq_idle_timeout', 'how many'), explain('the idle timeout of the route')],
    faults: [
      {
        name: 'si-response',
        title: 'an upstream that says nothing',
        how: '`stream_idle_timeout: 0.5s`; the host never answers',
        so: '`attempts=1` with a host and `sent` only of the error: the upstream took the request and went silent. With the whole request received the status is 504.',
        given: silent({ routes: [TO_A], manager: { stream_idle_timeout: '0.5s' }, requests: ['/'] }),
      },
      {
        name: 'si-request',
        title: 'a client that stops in its request',
        how: '`stream_idle_timeout: 0.5s`; the client sends half of its body',
        so: '`received=5` of a `content-length` of 10: it is the client that stopped. Status 408 says the same.',
        given: silent({ routes: [TO_A], manager: { stream_idle_timeout: '0.5s' }, requests: [{ raw: half }] }),
      },
    ],
  },
  {
    flag: 'DT',
    long: 'DurationTimeout',
    means: 'The connection reached `max_downstream_connection_duration` of tcp_proxy.',
    causes: ['connections that are meant to be long (databases, message queues) behind a limit for short ones'],
    look: [stats('tcp.ingress.max_downstream_connection_duration', 'how many')],
    faults: [
      {
        name: 'dt-tcp',
        title: 'the limit of a TCP connection',
        how: 'tcp_proxy with `max_downstream_connection_duration: 1s`; nobody closes',
        so: '`received` and `sent` tell that the connection worked; it was just too old.',
        given: tcp([tcpProxy({ cluster: '<a>', max_downstream_connection_duration: '1s' })], [call()]),
      },
    ],
  },
  {
    flag: 'DC',
    long: 'DownstreamConnectionTermination',
    means: 'The client closed its connection before the response was complete.',
    causes: [
      "the client's own timeout is shorter than the answer takes: compare `duration` with what is usual",
      'a user who left the page, a client that was killed, a load balancer in front with a short idle timeout',
    ],
    look: [
      stats('http.ingress.downstream_(cx_destroy_remote_active_rq|rq_rx_reset)', 'how many'),
      stats('cluster.service1.upstream_rq_time', 'whether the upstream has become slow'),
    ],
    faults: [
      {
        name: 'dc-waiting',
        title: 'the client leaves while it waits',
        how: 'the host never answers; the client resets its connection after a moment',
        so: 'Status 0: nothing was sent to the client. It gave up while a host was working: look at how long that host takes, not at the client. A client that only ends its sending side (FIN) still gets its answer; Envoy gives it up as well.',
        given: { routes: [TO_A], upstreams: { a: neverAnswer() }, requests: [], talks: [leaves] },
      },
    ],
  },
  {
    flag: 'DR',
    long: 'DownstreamRemoteReset',
    means: 'The client cancelled its HTTP/2 stream; its connection lives on.',
    causes: [
      'a deadline of the client (gRPC), a cancelled fetch, a browser tab that was closed',
      'many of them from one client: a rapid-reset flood, which the HTTP/2 limits end',
    ],
    look: [
      stats('http.ingress.downstream_rq_rx_reset', 'how many'),
      stats('http2.', 'what the limits against floods have counted'),
    ],
    faults: [
      {
        name: 'dr-cancel',
        title: 'the client cancels its stream',
        how: 'HTTP/2; the host never answers, the client sends RST_STREAM(CANCEL) after a moment',
        so: 'As DC, but only this stream: clients of HTTP/2 cancel politely. gRPC deadlines look like this.',
        given: { routes: [TO_A], upstreams: { a: neverAnswer() }, requests: [], talks: [cancels] },
      },
    ],
  },
  {
    flag: 'DPE',
    long: 'DownstreamProtocolError',
    means: 'The client broke the rules of HTTP; the request went nowhere.',
    causes: [
      'something that speaks no HTTP: a port scanner, TLS on a port without TLS, a health checker of bytes',
      'header sections that are too large (a cookie that grew), or invalid bytes in them',
      'request smuggling attempts: both `content-length` and `transfer-encoding`, and their likes',
    ],
    look: [
      stats('(http.ingress.downstream_cx_protocol_error|http1|http2)', 'which rule was broken'),
      { run: 'grep DPE access.log', tells: 'the details: `http1.codec_error`, `http1.headers_too_large`, …' },
    ],
    faults: [
      {
        name: 'dpe-garbage',
        title: 'the client speaks no HTTP',
        how: 'the client sends `NONSENSE`',
        so: 'No method, no path: nothing that could be read. The details name the rule.',
        given: { routes: [TO_A], requests: [{ raw: 'NONSENSE\r\n\r\n' }] },
      },
      {
        name: 'dpe-large',
        title: 'a header section that is too large',
        how: 'a header field of 61 KiB',
        so: 'Raise `max_request_headers_kb` only if such heads are legitimate; mostly a cookie has grown.',
        given: {
          routes: [TO_A],
          requests: [{ raw: `GET / HTTP/1.1\r\nhost: h\r\nx: ${'y'.repeat(61 * 1024)}\r\n\r\n` }],
        },
      },
      {
        name: 'dpe-smuggling',
        title: 'a length beside chunks',
        how: '`content-length` and `transfer-encoding: chunked` in one request',
        so: 'Refused on purpose. A legitimate client never sends both.',
        given: {
          routes: [TO_A],
          requests: [{ raw: 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n' }],
        },
      },
    ],
  },
];
