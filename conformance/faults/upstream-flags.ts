/** Flags that tell of an upstream host: it cannot be reached, breaks off, or talks nonsense. */
import { closeUnanswered, garbage, truncate } from '@mesh/testing';
import { clientTls, H2_CLUSTER, pairOf, tcpProxy, trusting } from '../envoy/pieces.ts';
import { TO_A } from '../envoy/scenario.ts';
import { byteServer, type H2Behaviour, h2Server } from '../envoy/server.ts';
import { does, limits, silent, to, upstreamOptions } from '../local-replies/row.ts';
import { clusters, explain, type FlagEntry, stats } from './fault.ts';
import { call, tcp } from './tcp.ts';

const REFUSED = tcpProxy({ cluster: '<refused>' });

/** Time for what was written to arrive by itself. */
const ARRIVAL_MS = 50;

/** Half an answer, then nothing any more. */
const leaves: H2Behaviour = (stream) => {
  stream.respond({ ':status': 200 }, { sendDate: false } as object);
  stream.write('01234');
  setTimeout(() => stream.session?.destroy(), ARRIVAL_MS);
};

/** The host is there or is not: connections. */
export const connecting: readonly FlagEntry[] = [
  {
    flag: 'UF',
    long: 'UpstreamConnectionFailure',
    means:
      'No connection to the chosen host came about: refused, timed out, or failed in its TLS handshake. The request never left the proxy.',
    causes: [
      'the application is not running, or listens on another port or address (`transport` in the log line says "Connection refused")',
      'a firewall or a wrong address: packets vanish until `connect_timeout` is over',
      'TLS: a certificate that the cluster does not trust, an expired one, or a host that speaks no TLS',
    ],
    look: [
      clusters('per host: `cx_connect_fail`, `rq_error`, and its `health_flags`'),
      stats(
        'cluster.service1.(upstream_cx_connect|ssl)',
        'refused (`connect_fail`), timed out, or `ssl.fail_verify_*`',
      ),
      { run: 'nc -vz 10.0.0.7 8080', tells: 'whether the host of the log line (`host=`) listens at all' },
      {
        run: 'openssl s_client -connect 10.0.0.7:8443 </dev/null',
        tells: 'its certificate, where the cluster has TLS',
      },
    ],
    faults: [
      {
        name: 'uf-refused',
        title: 'the host refuses the connection',
        how: 'a cluster whose only host is a port that nobody listens on',
        so: '`transport` has the words of the operating system: the address is right and the machine answers, but nobody listens on that port.',
        given: { ...to({}, '<refused>'), requests: ['/'] },
      },
      {
        name: 'uf-timeout',
        title: 'the connection is not ready in time',
        how: 'a cluster with TLS and `connect_timeout: 0.5s`; its host takes the connection and says nothing',
        so: 'No transport reason, but `upstream_cx_connect_timeout`: packets or a handshake that are never answered. `connect_timeout` covers the TLS handshake too.',
        given: {
          routes: [TO_A],
          clusters: { a: { connect_timeout: '0.5s', ...clientTls({}) } },
          servers: { a: byteServer((socket) => void socket.resume()) },
          requests: ['/'],
        },
      },
      {
        name: 'uf-certificate',
        title: 'the certificate of the host is not trusted',
        how: 'a cluster that trusts one authority; its host has a certificate of another',
        so: '`transport` carries the TLS error, and `ssl.fail_verify_error` counts it: compare the authority in `validation_context` with the issuer of the certificate.',
        given: {
          routes: [TO_A],
          clusters: { a: clientTls(trusting('other-ca')) },
          servers: { a: byteServer(() => {}, pairOf('server')) },
          requests: ['/'],
        },
      },
      {
        name: 'uf-tcp',
        title: 'a TCP connection whose host refuses',
        how: 'tcp_proxy to a port that nobody listens on',
        so: 'A TCP connection has no status: the client sees it closed without a byte. One attempt is all that tcp_proxy makes by default, so URX stands beside UF.',
        given: tcp([REFUSED], [call()]),
      },
    ],
  },
  {
    flag: 'UH',
    long: 'NoHealthyUpstream',
    means:
      'The cluster has no host that may be used: it is empty, or all hosts are unhealthy and panic routing is off.',
    causes: [
      'service discovery has not found a host yet: DNS without an answer, EDS without endpoints',
      'active health checks fail on every host, or outlier detection has ejected them',
      'a subset, a priority or an override host that excludes everything',
    ],
    look: [
      clusters('the hosts and their `health_flags`; none at all is a problem of discovery'),
      stats(
        'cluster.service1.(membership|health_check|outlier|update|lb_healthy_panic)',
        'membership and who took hosts out',
      ),
    ],
    faults: [
      {
        name: 'uh-empty',
        title: 'the cluster has no hosts',
        how: 'a cluster without endpoints',
        so: '`host=-`: there was no host to choose. `membership_total: 0` confirms that discovery, not health, is the problem.',
        given: { ...to({}, '<empty>'), requests: ['/'] },
      },
      {
        name: 'uh-unhealthy',
        title: 'no host is healthy',
        how: 'the only host is `UNHEALTHY`, and `healthy_panic_threshold` is 0',
        so: 'The same line, but `/clusters` shows hosts, with `health_flags` that tell who took them out.',
        given: {
          routes: [TO_A],
          clusters: {
            a: {
              common_lb_config: { healthy_panic_threshold: { value: 0 } },
              load_assignment: {
                cluster_name: '<a>',
                endpoints: [
                  {
                    lb_endpoints: [
                      {
                        health_status: 'UNHEALTHY',
                        endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: '<port>' } } },
                      },
                    ],
                  },
                ],
              },
            },
          },
          requests: ['/'],
        },
      },
      {
        name: 'uh-tcp',
        title: 'a TCP connection to an empty cluster',
        how: 'tcp_proxy to a cluster without endpoints',
        so: 'The same without HTTP: the connection is closed at once.',
        given: tcp([tcpProxy({ cluster: '<empty>' })], [call()]),
      },
    ],
  },
  {
    flag: 'UO',
    long: 'UpstreamOverflow',
    means: 'A circuit breaker of the cluster is open, or the cluster is in maintenance mode: the request was not sent.',
    causes: [
      'the upstream has become slow, so that more requests are open at a time than `max_requests`, `max_pending_requests` or `max_connections` allow',
      'limits that were never raised from their defaults (1024)',
      'the runtime key `upstream.maintenance_mode.<cluster>` is set',
    ],
    look: [
      stats(
        'cluster.service1.(circuit_breakers|upstream_rq_pending_overflow|upstream_cx_overflow|upstream_rq_maintenance_mode)',
        'which limit: `*_open` is 1 while it is reached',
      ),
      clusters('the thresholds, and `rq_active` and `cx_active` per host'),
      {
        run: "curl -s '127.0.0.1:8001/stats?filter=cluster.service1.upstream_rq_time&histogram_buckets=summary'",
        tells: 'whether the upstream has become slow',
      },
      { run: 'curl -s 127.0.0.1:8001/runtime', tells: 'a maintenance mode that somebody has left on' },
    ],
    faults: [
      {
        name: 'uo-requests',
        title: 'max_requests is reached',
        how: '`circuit_breakers` with `max_requests: 0`',
        so: 'The client also sees `x-envoy-overloaded: true`. The counter names the limit that was met.',
        given: { routes: [TO_A], ...limits({ max_requests: 0 }), requests: ['/'] },
      },
      {
        name: 'uo-pending',
        title: 'max_pending_requests is reached',
        how: '`circuit_breakers` with `max_pending_requests: 0`',
        so: 'No connection was free, and no more requests may wait for one.',
        given: { routes: [TO_A], ...limits({ max_pending_requests: 0 }), requests: ['/'] },
      },
      {
        name: 'uo-maintenance',
        title: 'maintenance mode',
        how: 'the runtime key `upstream.maintenance_mode.<cluster>` is 100',
        so: 'The details tell a maintenance mode from an open circuit breaker.',
        given: {
          routes: [TO_A],
          runtime: { 'upstream.maintenance_mode.uo-maintenance_a': 100 },
          requests: ['/'],
        },
      },
      {
        name: 'uo-tcp',
        title: 'a TCP connection over max_connections',
        how: 'tcp_proxy to a cluster with `max_connections: 0`',
        so: 'For TCP the limit is that of connections.',
        given: tcp([tcpProxy({ cluster: '<a>' })], [call()], limits({ max_connections: 0 })),
      },
    ],
  },
];

/** The host is connected and goes wrong. */
export const answering: readonly FlagEntry[] = [
  {
    flag: 'UC',
    long: 'UpstreamConnectionTermination',
    means: 'The host ended the connection while the response was due or under way.',
    causes: [
      'the application crashed, was restarted or killed in the middle of the request',
      "the application's keep-alive timeout is shorter than the cluster's `idle_timeout`: it closes a connection just as a request goes out on it",
      'something between proxy and host (a NAT, another proxy) dropped the connection',
    ],
    look: [
      clusters('per host `rq_error`: one bad host or all of them'),
      stats(
        'cluster.service1.upstream_(cx_destroy|rq_503)',
        '`_with_active_rq` counts exactly these; `_remote_` says that the host did it',
      ),
    ],
    faults: [
      {
        name: 'uc-unanswered',
        title: 'closed before an answer',
        how: 'the host reads the request and closes the connection',
        so: 'The request had reached the host, which went away without a byte: look at its log at this time. Only idempotent requests are safe to be retried (`retry_on: reset-before-request`, `connect-failure`).',
        given: does(closeUnanswered(), { routes: [TO_A], requests: ['/'] }),
      },
      {
        name: 'uc-cut',
        title: 'gone in the middle of the answer',
        how: 'an HTTP/2 host sends the head and half of the body, and closes its connection',
        so: 'The status 200 had already been sent; all that is left is to break off, which the client sees as an incomplete body. The flag says why. With HTTP/1.1 the body is shorter than its length then: that is UPE.',
        given: {
          routes: [TO_A],
          clusters: { a: H2_CLUSTER },
          servers: { a: h2Server(leaves) },
          requests: ['/'],
        },
      },
    ],
  },
  {
    flag: 'UR',
    long: 'UpstreamRemoteReset',
    means: 'The host reset the HTTP/2 stream of this request; its connection lives on.',
    causes: [
      'the application gave the request up: a deadline of its own, an exception, a handler that was cancelled',
      'limits of the HTTP/2 server: `REFUSED_STREAM` while it shuts down or is full (retried without a policy)',
    ],
    look: [stats('cluster.service1.upstream_rq_rx_reset', 'resets by hosts'), clusters('per host `rq_error`')],
    faults: [
      {
        name: 'ur-reset',
        title: 'RST_STREAM instead of an answer',
        how: 'an HTTP/2 host answers the request with RST_STREAM(INTERNAL_ERROR)',
        so: 'The connection goes on; only this request was given up by the application.',
        given: {
          routes: [TO_A],
          clusters: { a: H2_CLUSTER },
          servers: { a: h2Server((stream) => stream.close(2)) },
          requests: ['/'],
        },
      },
    ],
  },
  {
    flag: 'UPE',
    long: 'UpstreamProtocolError',
    means: 'What the host sent is no HTTP, or breaks its own framing.',
    causes: [
      'the port is not that of an HTTP server, or of TLS where the cluster has none (and the other way round)',
      'the cluster is set to HTTP/2 and the host speaks HTTP/1.1, or the other way round',
      'an application that promises a `content-length` and sends less before it closes',
    ],
    look: [
      stats('cluster.service1.(upstream_cx_protocol_error|http1|http2)', 'protocol errors, and which rule was broken'),
      { run: 'curl -sv http://10.0.0.7:8080/ -o /dev/null', tells: 'what the host itself says, without the proxy' },
    ],
    faults: [
      {
        name: 'upe-garbage',
        title: 'the host speaks no HTTP',
        how: 'the host answers `nonsense`',
        so: '502 rather than 503, and `upstream_cx_protocol_error`: a wrong port or protocol, not an outage.',
        given: does(garbage('nonsense\r\n\r\n'), { routes: [TO_A], requests: ['/'] }),
      },
      {
        name: 'upe-truncated',
        title: 'the host closes before the body is whole',
        how: '`content-length: 10`, five bytes, FIN',
        so: 'A body shorter than its `content-length`: an application that died while it wrote, or that computes the length wrongly.',
        given: does(truncate({ body: '0123456789' }, 45), { routes: [TO_A], requests: ['/'] }),
      },
    ],
  },
  {
    flag: 'UT',
    long: 'UpstreamRequestTimeout',
    means: 'The response took longer than the route allows; the attempt was given up.',
    causes: [
      'the application is slow or hangs: look at its own latency first',
      'the timeout of the route (default 15 s), of one try, or the `x-envoy-upstream-rq-timeout-ms` of a trusted client is too short for this request',
    ],
    look: [
      stats(
        'cluster.service1.upstream_rq_(timeout|per_try_timeout|time)',
        'how many, and how long requests take otherwise',
      ),
      explain('the timeout that applies to a request, and where it comes from'),
      clusters('per host `rq_timeout`: one slow host or all of them'),
    ],
    faults: [
      {
        name: 'ut-route',
        title: 'the timeout of the route',
        how: '`timeout: 0.5s`; the host never answers',
        so: '`host=` is the host that did not answer in time. If it is always the same one, it is that host; if not, the service.',
        given: silent({ ...to({ timeout: '0.5s' }), requests: ['/'] }),
      },
      {
        name: 'ut-try',
        title: 'the timeout of one try',
        how: '`per_try_timeout: 0.5s`; the host never answers',
        so: 'The details tell the timeout of a try from that of the whole request.',
        given: silent({
          ...to({ retry_policy: { retry_on: 'connect-failure', per_try_timeout: '0.5s' } }),
          requests: ['/'],
        }),
      },
    ],
  },
  {
    flag: 'UMSDR',
    long: 'UpstreamMaxStreamDurationReached',
    means: "The cluster's `max_stream_duration` ended the stream, whatever was going on.",
    causes: [
      'streams that are meant to be long (downloads, gRPC streams, WebSockets) in a cluster whose limit is for short ones',
      'an upstream that trickles: it always sends something, so that no idle timeout applies',
    ],
    look: [
      stats('cluster.service1.upstream_rq_max_duration_reached', 'how many'),
      {
        run: "curl -s '127.0.0.1:8001/config_dump?resource=static_clusters'",
        tells: '`common_http_protocol_options.max_stream_duration` of the cluster',
      },
    ],
    faults: [
      {
        name: 'umsdr',
        title: 'the limit of the cluster',
        how: '`max_stream_duration: 0.5s` in the cluster; the host never answers',
        so: 'Not a failure of the host: the cluster has a limit on how long any stream may live.',
        given: silent({ ...upstreamOptions({ max_stream_duration: '0.5s' }), routes: [TO_A], requests: ['/'] }),
      },
    ],
  },
  {
    flag: 'URX',
    long: 'UpstreamRetryLimitExceeded',
    means: 'The request was retried and failed each time; or a TCP connection used up `max_connect_attempts`.',
    causes: [
      'the failure is not of one host but of all: retries do not help',
      '`num_retries` is lower than the number of bad hosts, and nothing excludes hosts that were tried',
    ],
    look: [
      stats('cluster.service1.upstream_rq_retry', 'retries, how many succeeded, `_limit_exceeded`, `_overflow`'),
      { run: 'grep -c URX access.log', tells: 'the flags beside URX say what the last attempt failed of' },
    ],
    faults: [
      {
        name: 'urx-refused',
        title: 'every attempt is refused',
        how: '`retry_on: connect-failure` to a port that nobody listens on',
        so: '`attempts=2`: one retry, as the default of `num_retries` has it. The flag beside URX is that of the last attempt.',
        given: {
          ...to(
            { retry_policy: { retry_on: 'connect-failure', retry_back_off: { base_interval: '0.001s' } } },
            '<refused>',
          ),
          requests: ['/'],
        },
      },
      {
        name: 'urx-5xx',
        title: 'every attempt is answered 503',
        how: '`retry_on: 5xx`; the host answers 503 each time',
        so: '`via_upstream`: the answer is that of the host, after all retries. Its body is passed on.',
        given: does(async (_request, peer) => peer.write('HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy'), {
          ...to({ retry_policy: { retry_on: '5xx', retry_back_off: { base_interval: '0.001s' } } }),
          requests: ['/'],
        }),
      },
      {
        name: 'urx-tcp',
        title: 'a TCP connection after max_connect_attempts',
        how: 'tcp_proxy with `max_connect_attempts: 3` to a port that nobody listens on',
        so: '`attempts=3`, as `max_connect_attempts` says.',
        given: tcp([tcpProxy({ cluster: '<refused>', max_connect_attempts: 3 })], [call()]),
      },
    ],
  },
];
