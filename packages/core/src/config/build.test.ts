import { describe, expect, it } from 'vitest';
import { MeshError } from '../errors.ts';
import { clusterSettings, dataSourceText, listenAddress, listenerSettings, staticEndpoints } from './build.ts';
import { httpSettings } from './build-http.ts';
import { clusterSchema } from './cluster.ts';
import { address } from './common.ts';
import { httpConnectionManagerSchema } from './http-connection-manager.ts';
import { listenerSchema } from './listener.ts';

const socket = (more: object = {}) => ({ socket_address: { address: '127.0.0.1', port_value: 80, ...more } });

function manager(more: object) {
  return httpSettings(httpConnectionManagerSchema.parse({ stat_prefix: 's', route_config: {}, ...more }), 1000);
}

describe('listenAddress', () => {
  it.each([
    [socket(), { address: '127.0.0.1', port: 80, ipv6Only: true }],
    [socket({ address: '::', ipv4_compat: true }), { address: '::', port: 80, ipv6Only: false }],
    [{ pipe: { path: '/p' } }, { path: '/p' }],
    [{ pipe: { path: '/p', mode: 0o600 } }, { path: '/p', mode: 0o600 }],
  ])('%j', (written, expected) => {
    expect(listenAddress(address.parse(written))).toEqual(expected);
  });
});

describe('listenerSettings', () => {
  it('has every address, the backlog and the buffer limit, 32 KiB when not given', () => {
    const minimum = { name: 'l', address: socket(), filter_chains: [{}] };
    expect(listenerSettings(listenerSchema.parse(minimum))).toMatchObject({
      backlog: undefined,
      bufferLimitBytes: 32_768,
    });
    const more = {
      ...minimum,
      additional_addresses: [{ address: { pipe: { path: '/p' } } }],
      tcp_backlog_size: 5,
      per_connection_buffer_limit_bytes: 9,
    };
    expect(listenerSettings(listenerSchema.parse(more))).toEqual({
      name: 'l',
      addresses: [{ address: '127.0.0.1', port: 80, ipv6Only: true }, { path: '/p' }],
      backlog: 5,
      bufferLimitBytes: 9,
    });
  });
});

describe('httpSettings', () => {
  it.each([
    [{}, { host: undefined, escapedSlashes: 'KEEP_UNCHANGED', serverName: 'envoy', maxStreamDurationMs: 0 }],
    [{ server_name: '' }, { serverName: 'envoy' }],
    [{ strip_any_host_port: true }, { host: { stripPort: 'any', stripTrailingDot: false } }],
    [{ strip_matching_host_port: true }, { host: { stripPort: 'matching', stripTrailingDot: false } }],
    [{ path_with_escaped_slashes_action: 'REJECT_REQUEST' }, { escapedSlashes: 'REJECT_REQUEST' }],
    [{ max_request_headers_kb: 2 }, { http1: { limits: { maxBytes: 2048, maxFields: 100 } } }],
    [{ common_http_protocol_options: { max_stream_duration: '2s' } }, { maxStreamDurationMs: 2000 }],
    [
      { common_http_protocol_options: { headers_with_underscores_action: 'DROP_HEADER' } },
      { http1: { underscores: 'DROP_HEADER' } },
    ],
    [
      { http_protocol_options: { accept_http_10: true, allow_chunked_length: true } },
      { http1: { acceptHttp10: true, allowChunkedLength: true } },
    ],
  ])('%j', (written, expected) => {
    expect(manager(written)).toMatchObject(expected);
  });

  it.each([
    ['nothing is internal by default', {}, { '10.0.0.1': false, '127.0.0.1': false, '': false }],
    ['unix sockets', { unix_sockets: true }, { '10.0.0.1': false, '': true }],
    [
      'ranges',
      {
        cidr_ranges: [
          { address_prefix: '10.0.0.0', prefix_len: 8 },
          { address_prefix: 'fd00::', prefix_len: 8 },
        ],
      },
      { '10.9.9.9': true, '11.0.0.1': false, 'fd12::1': true, 'fe80::1': false, '': false },
    ],
    [
      'a range without length is all of its family',
      { cidr_ranges: [{ address_prefix: '0.0.0.0' }] },
      { '1.2.3.4': true, '::1': false },
    ],
  ])('isInternalAddress: %s', (_, internal_address_config, expected) => {
    const { isInternalAddress } = manager({ internal_address_config });
    const found = Object.fromEntries(Object.keys(expected).map((ip) => [ip, isInternalAddress(ip)]));
    expect(found).toEqual(expected);
  });
});

describe('clusterSettings', () => {
  it.each([
    [
      {},
      {
        statName: 'c',
        connectTimeoutMs: 5000,
        idleTimeoutMs: 3_600_000,
        bufferLimitBytes: 32_768,
        tcpKeepaliveMs: undefined,
        enableTrailers: false,
      },
    ],
    [{ alt_stat_name: 'other' }, { name: 'c', statName: 'other' }],
    [{ upstream_connection_options: { tcp_keepalive: {} } }, { tcpKeepaliveMs: 0 }],
    [{ upstream_connection_options: { tcp_keepalive: { keepalive_time: 5 } } }, { tcpKeepaliveMs: 5000 }],
    [
      { common_http_protocol_options: { max_headers_count: 5 } },
      { responseLimits: { maxBytes: 61_440, maxFields: 5 } },
    ],
    [
      { circuit_breakers: { thresholds: [{ priority: 'HIGH', max_requests: 1 }] } },
      { thresholds: { default: { maxRequests: 1024 }, high: { maxRequests: 1 } } },
    ],
  ])('%j', (written, expected) => {
    expect(clusterSettings(clusterSchema.parse({ name: 'c', ...written }))).toMatchObject(expected);
  });
});

describe('staticEndpoints', () => {
  it('lists hosts of every locality with weight and place', () => {
    const endpoints = [
      {
        locality: { zone: 'a' },
        lb_endpoints: [{ endpoint: { address: socket(), hostname: 'h' }, load_balancing_weight: 3 }],
      },
      { lb_endpoints: [{ endpoint: { address: { pipe: { path: '/p' } } } }] },
    ];
    const config = clusterSchema.parse({ name: 'c', load_assignment: { cluster_name: 'c', endpoints } });
    const nowhere = { region: '', zone: '', subZone: '' };
    expect(staticEndpoints(config)).toMatchObject([
      { ip: '127.0.0.1', port: 80, hostname: 'h', weight: 3, priority: 0, locality: { ...nowhere, zone: 'a' } },
      { ip: '/p', port: -1, hostname: '', weight: 1, priority: 0, locality: nowhere },
    ]);
  });
});

describe('dataSourceText', () => {
  it('reads text', () => {
    expect(dataSourceText({ inlineString: 'é' })).toBe('é');
    expect(dataSourceText({ inlineBytes: Buffer.from('hi') })).toBe('hi');
  });

  it('refuses what cannot be read, for config that code has built', () => {
    expect(() => dataSourceText({ filename: '/nonexistent' })).toThrow(
      new MeshError('CONFIG_INVALID', 'file /nonexistent does not exist'),
    );
  });
});
