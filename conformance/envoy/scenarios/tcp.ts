/** tcp_proxy. */
import { ask, call, SAY, TO, tcp } from '../byte-scenarios.ts';
import { clientTls, network, pairOf, serverTls, TLS_INSPECTOR, tcpProxy, trusting } from '../pieces.ts';
import type { Scenario } from '../scenario.ts';
import { type ByteBehaviour, byteServer, capitals } from '../server.ts';

const onEnd =
  (text: string): ByteBehaviour =>
  (socket, _letter, saw) => {
    socket.on('data', (bytes: Buffer) => saw(bytes.toString('latin1')));
    socket.on('end', () => socket.end(text));
  };

/** Bytes both ways, failures, TLS. */
export const tcpProxying: readonly Scenario[] = [
  tcp('bytes', 'bytes go both ways', [TO], [call(SAY), call({ send: 'x'.repeat(1000), half: true })]),
  tcp('half-close', 'an end of the client is passed on, and the answer comes behind it', [TO], [call(SAY)], {
    servers: { a: byteServer(onEnd('late')) },
  }),
  tcp('upstream-ends', 'an end of the upstream is passed on', [TO], [call()], {
    servers: { a: byteServer((socket) => socket.end('bye')) },
  }),
  tcp('upstream-resets', 'a reset of the upstream', [TO], [call()], {
    servers: {
      a: byteServer((socket) => void socket.write('abc', () => setTimeout(() => socket.resetAndDestroy(), 50))),
    },
  }),
  tcp('refused', 'nobody listens', [tcpProxy({ cluster: '<refused>', stat_prefix: 'tcp-refused' })], [call(SAY)], {
    counters: [
      'cluster.refused.upstream_cx_connect_fail',
      'cluster.refused.upstream_cx_connect_attempts_exceeded',
      'cluster.refused.upstream_rq_total',
      'tcp.tcp-refused.downstream_cx_total',
    ],
  }),
  tcp('attempts', 'max_connect_attempts', [tcpProxy({ cluster: '<refused>', max_connect_attempts: 3 })], [call(SAY)], {
    counters: ['cluster.refused.upstream_cx_connect_fail', 'cluster.refused.upstream_cx_connect_attempts_exceeded'],
  }),
  tcp('no-hosts', 'a cluster without hosts', [tcpProxy({ cluster: '<empty>' })], [call(SAY)], {
    counters: ['cluster.empty.upstream_cx_none_healthy'],
  }),
  tcp(
    'unknown',
    'a cluster that does not exist',
    [tcpProxy({ cluster: 'nobody', stat_prefix: 'tcp-unknown' })],
    [call(SAY)],
    {
      counters: ['tcp.tcp-unknown.downstream_cx_no_route'],
    },
  ),
  tcp(
    'weighted',
    'weights of nothing but one',
    [tcpProxy({ weighted_clusters: { clusters: [{ name: '<a>', weight: 1 }] } })],
    [call(SAY), call(SAY)],
  ),
  tcp(
    'idle',
    'idle_timeout',
    [tcpProxy({ cluster: '<a>', idle_timeout: '0.2s', stat_prefix: 'tcp-idle' })],
    [call({ send: 'x' })],
    { counters: ['tcp.tcp-idle.idle_timeout'] },
  ),
  tcp(
    'duration',
    'max_downstream_connection_duration',
    [tcpProxy({ cluster: '<a>', max_downstream_connection_duration: '0.2s', stat_prefix: 'tcp-duration' })],
    [call({ send: 'x' })],
    { counters: ['tcp.tcp-duration.max_downstream_connection_duration'] },
  ),
  tcp('statistics', 'counters', [tcpProxy({ cluster: '<a>', stat_prefix: 'tcp-statistics' })], [call(SAY)], {
    counters: [
      'tcp.tcp-statistics.downstream_cx_total',
      'tcp.tcp-statistics.downstream_cx_rx_bytes_total',
      'tcp.tcp-statistics.downstream_cx_tx_bytes_total',
      'cluster.a.upstream_cx_total',
      'cluster.a.upstream_cx_rx_bytes_total',
      'cluster.a.upstream_cx_tx_bytes_total',
      'cluster.a.upstream_rq_total',
    ],
  }),
  tcp('tls-upstream', 'TLS to the upstream', [TO], [call(SAY)], {
    clusters: { a: clientTls(trusting(), { sni: 'a.test' }) },
    servers: { a: byteServer(capitals, pairOf('server')) },
  }),
  tcp('tls-untrusted', 'to one that is not trusted', [TO], [call(SAY)], {
    clusters: { a: clientTls(trusting('other-ca')) },
    servers: { a: byteServer(capitals, pairOf('server')) },
    counters: ['cluster.a.upstream_cx_connect_fail'],
  }),
  tcp('tls-ended', 'TLS of the client ends here', [TO], [call({ ...SAY, secure: { servername: 'a.test' } })], {
    listener: { filter_chains: [{ filters: [TO], ...serverTls() }] },
  }),
  tcp(
    'sni-cluster',
    'the cluster of the server name',
    [network('sni_cluster', 'sni_cluster.v3.SniCluster'), tcpProxy({ cluster: '<b>' })],
    [
      ask({ secure: { servername: 'tcp-sni-cluster_a' }, enough: 7, send: 'hello' }),
      ask({ secure: { servername: 'none' }, enough: 7, send: 'hello' }),
      ask({ secure: {}, enough: 7, send: 'hello' }),
    ],
    {
      clusters: { a: {}, b: {} },
      servers: { a: byteServer(capitals, pairOf('server')), b: byteServer(capitals, pairOf('other-server')) },
      listener: {
        listener_filters: [TLS_INSPECTOR],
        filter_chains: [
          { filters: [network('sni_cluster', 'sni_cluster.v3.SniCluster'), tcpProxy({ cluster: '<b>' })] },
        ],
      },
    },
  ),
];
