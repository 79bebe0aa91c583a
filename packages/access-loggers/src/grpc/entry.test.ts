import type { LogSubject, TlsInfo } from '@mesh/core';
import { ResponseFlag } from '@mesh/core';
import { describe, expect, it } from 'vitest';
import { type Decoded, envoyService } from '../fixture.ts';
import { httpEntry } from './http-entry.ts';
import { tcpEntry } from './tcp-entry.ts';

const service = envoyService('envoy/service/accesslog/v3/als.proto', 'envoy.service.accesslog.v3.AccessLogService');
const NONE = { filterStateKeys: [], tags: [] };
const NO_HEADERS = { request: [], response: [], trailers: [] };

/** An entry as a client of the service reads it. */
function decoded(entry: Uint8Array, kind: 'http_logs' | 'tcp_logs'): Decoded {
  const length = (bytes: number) => (bytes < 128 ? [bytes] : [(bytes & 127) | 128, bytes >> 7]);
  const list = Buffer.from([0x0a, ...length(entry.length), ...entry]);
  const message = Buffer.from([kind === 'http_logs' ? 0x12 : 0x1a, ...length(list.length), ...list]);
  const { requestDeserialize } = service.StreamAccessLogs as unknown as { requestDeserialize(bytes: Buffer): Decoded };
  return requestDeserialize(message)[kind].log_entry[0];
}

const CONNECTION = { id: 1, remoteIp: '192.0.2.1', remotePort: 1000, localIp: '::1', localPort: 443, secure: false };

/** A head without fields. */
const HEAD = {
  method: 'GET',
  path: '/',
  authority: 'a',
  scheme: 'http',
  get: () => undefined,
  getAll: () => [],
  forEach: () => undefined,
};

function subject(info: object = {}, more: object = {}): LogSubject {
  const metadata = new Map();
  const facts = { startMs: 1000, startWallMs: 1_700_000_000_123.456, requestCompleteMs: 1001, upstreamFirstByteMs: 0 };
  const counts = { endMs: 3500.25, flags: 0, details: '', bytesReceived: 0, bytesSent: 0, clientIp: '', attempts: 0 };
  return {
    requestHeaders: HEAD,
    responseHeaders: undefined,
    responseTrailers: undefined,
    route: undefined,
    connection: CONNECTION,
    info: { ...facts, ...counts, upstreamCluster: '', metadata, filterState: new Map(), ...info },
    ...more,
  } as unknown as LogSubject;
}

const http = (given: LogSubject, extras = NONE as never) =>
  decoded(httpEntry(given, 'DownstreamEnd', extras, NO_HEADERS), 'http_logs');

describe('AccessLogCommon', () => {
  it('has times to the microsecond, since the start', () => {
    const times = {
      upstreamTxBeginMs: 1002,
      upstreamTxEndMs: 1003.5,
      upstreamFirstByteMs: 3000,
      upstreamRxEndMs: 3100,
    };
    const { common_properties: common } = http(subject({ ...times, downstreamTxBeginMs: 3001 }));
    expect(common).toMatchObject({
      start_time: { seconds: 1_700_000_000, nanos: 123_456_000 },
      time_to_last_rx_byte: { nanos: 1_000_000 },
      time_to_first_upstream_tx_byte: { nanos: 2_000_000 },
      time_to_last_upstream_tx_byte: { nanos: 3_500_000 },
      time_to_first_upstream_rx_byte: { seconds: 2 },
      time_to_last_upstream_rx_byte: { seconds: 2, nanos: 100_000_000 },
      time_to_first_downstream_tx_byte: { seconds: 2, nanos: 1_000_000 },
      time_to_last_downstream_tx_byte: { seconds: 2, nanos: 500_250_000 },
      duration: { seconds: 2, nanos: 500_250_000 },
    });
  });

  it('has every response flag in its field', () => {
    const all = Object.values(ResponseFlag).reduce((sum, bit) => sum | bit, 0);
    const { response_flags } = http(subject({ flags: all })).common_properties;
    expect(response_flags.unauthorized_details).toEqual({ reason: 'EXTERNAL_SERVICE' });
    // DO and UDO have no field.
    expect(Object.keys(response_flags)).toHaveLength(Object.keys(ResponseFlag).length - 2);
    const only = (flags: number) => http(subject({ flags })).common_properties.response_flags;
    expect(only(ResponseFlag.URX)).toEqual({ upstream_retry_limit_exceeded: true });
    expect(only(ResponseFlag.DF | ResponseFlag.DR)).toEqual({
      dns_resolution_failure: true,
      downstream_remote_reset: true,
    });
  });

  it('has metadata, filter state and tags', () => {
    const metadata = new Map<string, unknown>([
      ['ns', { text: 'é', list: [1, null], deep: { yes: true } }],
      ['not a struct', 5],
    ]);
    const filterState = new Map<string, unknown>([
      ['a', 'text'],
      ['b', { c: 1 }],
      ['d', () => 1],
      ['unasked', 1],
    ]);
    const extras = {
      filterStateKeys: ['a', 'b', 'd', 'none'],
      tags: [
        { name: 't', value: () => 'v' },
        { name: 'empty', value: () => '' },
      ],
    };
    const { common_properties: common } = http(subject({ metadata, filterState }), extras as never);
    expect(Object.keys(common.metadata.filter_metadata)).toEqual(['ns']);
    expect(common.metadata.filter_metadata.ns.fields.text.stringValue).toBe('é');
    expect(Object.keys(common.filter_state_objects)).toEqual(['a', 'b']);
    expect(common.filter_state_objects.a.type_url).toBe('type.googleapis.com/google.protobuf.StringValue');
    expect(common.custom_tags).toEqual({ t: 'v' });
  });

  it('has the facts of TLS', () => {
    const peerCertificate = { subject: 'CN=p', issuer: 'CN=i', uriSans: ['spiffe://a'], dnsSans: [] };
    const localCertificate = { subject: 'CN=l', uriSans: [], dnsSans: ['l.test'] };
    const tls = {
      version: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      sessionId: 'ab',
      serverName: 'l.test',
    } as TlsInfo;
    const connection = { ...CONNECTION, tls, serverName: 'l.test', peerCertificate, localCertificate };
    expect(http(subject({}, { connection })).common_properties.tls_properties).toMatchObject({
      tls_version: 'TLSv1_3',
      tls_cipher_suite: { value: 0x1302 },
      tls_sni_hostname: 'l.test',
      local_certificate_properties: { subject: 'CN=l' },
      peer_certificate_properties: { subject: 'CN=p', issuer: 'CN=i', subject_alt_name: [{ uri: 'spiffe://a' }] },
    });
  });

  it('says who the client is, and that an entry is not the last one', () => {
    const connection = { ...CONNECTION, directRemoteIp: '192.0.2.9' };
    const { common_properties: common } = http(subject({ clientIp: '203.0.113.5', endMs: 0 }, { connection }));
    const ip = (address: Decoded) => address.socket_address.address;
    expect(ip(common.downstream_remote_address)).toBe('203.0.113.5');
    expect(ip(common.downstream_direct_remote_address)).toBe('192.0.2.9');
    expect(common.intermediate_log_entry).toBe(true);
    expect(common).not.toHaveProperty('duration');
  });
});

it('TCPAccessLogEntry has bytes and why the connection ended', () => {
  const connectionInfo = { terminationDetails: 'rbac_denied', transportFailure: 'no TLS' };
  const upstreamHost = { ip: '/run/a.sock', port: -1 };
  const info = {
    connectionInfo,
    upstreamTransportFailure: 'refused',
    upstreamHost,
    upstreamCluster: 'c',
    bytesReceived: 5,
    bytesSent: 7,
    attempts: 2,
  };
  const entry = decoded(tcpEntry(subject(info), 'TcpConnectionEnd', NONE), 'tcp_logs');
  expect(entry.connection_properties).toEqual({ received_bytes: 5, sent_bytes: 7 });
  expect(entry.common_properties).toMatchObject({
    connection_termination_details: 'rbac_denied',
    upstream_transport_failure_reason: 'refused',
    downstream_transport_failure_reason: 'no TLS',
    upstream_remote_address: { pipe: { path: '/run/a.sock' } },
    upstream_cluster: 'c',
    upstream_request_attempt_count: 2,
    access_log_type: 'TcpConnectionEnd',
  });
});
