import { refusedPort, until, VirtualClock } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { type Call, Collector, cleanUp, collector, loggingProxy } from '../fixture.ts';
import { httpGrpcAccessLog, tcpGrpcAccessLog } from './index.ts';

afterEach(cleanUp);

const TYPE = 'type.googleapis.com/envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig';

function logs(common = '', more = ''): string {
  const config = `log_name: mine, grpc_service: { envoy_grpc: { cluster_name: als } }${common}`;
  return `[{ name: x, typed_config: { "@type": ${TYPE}, common_config: { ${config} }${more} } }]`;
}

const NOW = ', buffer_size_bytes: 0';
const counters = ['logs_written', 'logs_dropped', 'grpc_entries_flushed', 'grpc_entries_flush_failed'] as const;
const counted = (proxy: { stats(name: string): number }) =>
  counters.map((name) => proxy.stats(`access_logs.grpc_access_log.${name}`));

describe('http_grpc', () => {
  it('sends an entry as the protos have it', async () => {
    const service = await collector();
    const headers = ', additional_request_headers_to_log: [X-A, x-none], additional_response_headers_to_log: [Server]';
    const tags = ', custom_tags: [{ tag: t, literal: { value: v } }, { tag: u, request_header: { name: x-none } }]';
    const proxy = await loggingProxy(logs(`${NOW}${tags}`, headers), service.port);
    await fetch(`${proxy.url}/p?q`, {
      method: 'PUT',
      body: 'hello',
      headers: { 'x-a': Buffer.from('é').toString('latin1'), referer: 'r', 'user-agent': 'u' },
    });
    await service.untilEntries(1);
    const [{ identifier, http_logs }] = service.messages;
    expect(identifier).toMatchObject({
      log_name: 'mine',
      node: { id: 'n1', cluster: 'c1', locality: { zone: 'z1' }, user_agent_name: 'mesh' },
    });
    expect(Object.keys(identifier.node.metadata.fields)).toEqual(['a']);
    const [{ common_properties: common, protocol_version, request, response }] = http_logs.log_entry;
    expect(common).toMatchObject({
      downstream_remote_address: { socket_address: { address: '127.0.0.1' } },
      downstream_local_address: { socket_address: { address: '127.0.0.1', port_value: proxy.port } },
      downstream_direct_remote_address: { socket_address: { address: '127.0.0.1' } },
      route_name: 'all',
      custom_tags: { t: 'v' },
      access_log_type: 'DownstreamEnd',
    });
    expect(Math.abs(common.start_time.seconds * 1000 - Date.now())).toBeLessThan(60_000);
    for (const absent of [
      'upstream_remote_address',
      'response_flags',
      'tls_properties',
      'metadata',
      'intermediate_log_entry',
    ]) {
      expect(common).not.toHaveProperty(absent);
    }
    expect(common).toHaveProperty('duration');
    expect(protocol_version).toBe('HTTP11');
    expect(request).toMatchObject({
      request_method: 'PUT',
      scheme: 'http',
      authority: `127.0.0.1:${proxy.port}`,
      path: '/p?q',
      user_agent: 'u',
      referer: 'r',
      request_headers: { 'x-a': 'é' },
    });
    expect(request.request_id).toBe(common.stream_id);
    expect(response).toMatchObject({
      response_code: { value: 201 },
      response_code_details: 'direct_response',
      response_body_bytes: 2,
      response_headers: { server: 'envoy' },
    });
  });

  it('names the upstream, and why there was no answer', async () => {
    const service = await collector();
    const proxy = await loggingProxy(logs(NOW), service.port, {
      routes: '[{ match: { prefix: / }, route: { cluster: als } }]',
      http2: false,
    });
    // The service speaks HTTP/2 only: this is no answer that HTTP/1 knows.
    expect((await fetch(proxy.url)).status).toBe(502);
    await until(() => proxy.stats('access_logs.grpc_access_log.logs_written') === 1, 'the entry');
  });

  it('tells who it is in the first message of a stream, which loggers of one configuration share', async () => {
    const service = await collector();
    const one = logs(NOW).slice(1, -1);
    const proxy = await loggingProxy(`[${one}, ${one}]`, service.port);
    await fetch(proxy.url);
    await fetch(proxy.url);
    await service.untilEntries(4);
    expect(service.calls).toHaveLength(1);
    expect(service.messages.map(({ identifier }) => identifier?.log_name)).toEqual([
      'mine',
      undefined,
      undefined,
      undefined,
    ]);
    expect(counted(proxy)).toEqual([4, 0, 4, 0]);
  });

  it('collects entries for a flush interval', async () => {
    const clock = new VirtualClock();
    const service = await collector();
    const proxy = await loggingProxy(logs(', buffer_flush_interval: 3s'), service.port, { clock });
    await fetch(proxy.url);
    await fetch(proxy.url);
    await until(() => counted(proxy)[0] === 2, 'two entries');
    clock.advance(2990);
    expect(counted(proxy)).toEqual([2, 0, 0, 0]);
    clock.advance(20);
    await service.untilEntries(2);
    expect(service.messages).toHaveLength(1);
  });

  it('sends what it holds when the proxy ends', async () => {
    const service = await collector();
    const proxy = await loggingProxy(logs(', buffer_flush_interval: 300s'), service.port);
    await fetch(proxy.url);
    await until(() => counted(proxy)[0] === 1, 'the entry');
    await proxy.close();
    expect(service.entries).toHaveLength(1);
    await until(() => service.calls[0]?.ended === true, 'the end of the stream');
  });

  it('sends the metadata and the authority that its service asks for', async () => {
    const service = await collector();
    process.env.MESH_TEST_TOKEN = 'secret';
    const metadata = "[{ key: X-Token, value: 'Bearer %ENVIRONMENT(MESH_TEST_TOKEN)%' }, { key: x-b, value: '100%%' }]";
    const grpc = `grpc_service: { envoy_grpc: { cluster_name: als, authority: who.test, skip_envoy_headers: true }, initial_metadata: ${metadata} }`;
    const config = `[{ name: x, typed_config: { "@type": ${TYPE}, common_config: { log_name: a${NOW}, ${grpc} } } }]`;
    const proxy = await loggingProxy(config, service.port);
    delete process.env.MESH_TEST_TOKEN;
    await fetch(proxy.url);
    await service.untilEntries(1);
    const { stream } = service.calls[0] as Call;
    expect(stream.metadata.getMap()).toEqual({ 'x-token': 'Bearer secret', 'x-b': '100%' });
    expect(stream.getHost()).toBe('who.test');
  });

  it('is found by its name and type of version 2', async () => {
    const service = await collector();
    const common = 'log_name: old, buffer_size_bytes: 0, grpc_service: { envoy_grpc: { cluster_name: als } }';
    const old = 'type.googleapis.com/envoy.config.accesslog.v2.HttpGrpcAccessLogConfig';
    const byName = `{ name: envoy.http_grpc_access_log, config: { common_config: { ${common} } } }`;
    const byType = `{ name: x, typed_config: { "@type": ${old}, common_config: { ${common} } } }`;
    const proxy = await loggingProxy(`[${byName}, ${byType}]`, service.port);
    await fetch(proxy.url);
    await service.untilEntries(2);
    expect(service.messages[0].identifier.log_name).toBe('old');
  });

  it('can be made in code', async () => {
    const made = httpGrpcAccessLog({
      commonConfig: { logName: 'n', grpcService: { envoyGrpc: { clusterName: 'als' } } },
    });
    expect(made.config).toMatchObject({
      commonConfig: { logName: 'n', bufferFlushIntervalMs: 1000, bufferSizeBytes: 16_384 },
    });
    expect(() => tcpGrpcAccessLog({ commonConfig: {} } as never)).toThrow('commonConfig.log_name: is required');
  });
});

describe('a service that fails', () => {
  it('is dead: requests go on, entries are counted as dropped', async () => {
    const clock = new VirtualClock();
    const proxy = await loggingProxy(logs(NOW), await refusedPort(), { clock });
    for (let i = 0; i < 3; i++) {
      expect((await fetch(proxy.url)).status).toBe(201);
      await until(() => counted(proxy)[1] === i + 1, 'the loss');
      clock.advance(1100);
    }
    expect(counted(proxy)).toEqual([3, 3, 3, 0]);
  });

  it('is gone for a while: entries are held up to the limit, and the stream opened again', async () => {
    const clock = new VirtualClock();
    const service = await collector();
    const proxy = await loggingProxy(logs(NOW), service.port, { clock });
    await fetch(proxy.url);
    await service.untilEntries(1);
    service.stop();
    await until(() => proxy.stats('cluster.als.upstream_cx_active') === 0, 'the end of the connection');
    await fetch(proxy.url);
    await until(() => counted(proxy)[3] === 1, 'an entry that has to wait');
    const again = await new Collector().start(service.port);
    try {
      clock.advance(1100);
      await again.untilEntries(1);
      expect(again.messages[0].identifier.log_name).toBe('mine');
      expect(counted(proxy)).toEqual([2, 0, 2, 1]);
    } finally {
      again.stop();
    }
  });

  it('never reads: what is held is bounded', async () => {
    const service = await collector();
    service.deaf = true;
    const proxy = await loggingProxy(logs('', ', additional_request_headers_to_log: [x-a]'), service.port);
    const headers = { 'x-a': 'x'.repeat(30_000) };
    for (let i = 0; i < 24; i++) expect((await fetch(proxy.url, { headers })).status).toBe(201);
    await until(() => (counted(proxy)[1] ?? 0) > 0, 'drops');
    const [written = 0, dropped = 0, flushed = 0] = counted(proxy);
    expect(written + dropped).toBe(24);
    // The window of HTTP/2, 256 KiB beyond it, and one batch.
    expect(flushed * 30_000).toBeLessThan(600_000);
  });

  it('is not in the configuration: entries wait for it up to the limit', async () => {
    const service = await collector();
    const common = 'log_name: mine, buffer_size_bytes: 1500, grpc_service: { envoy_grpc: { cluster_name: later } }';
    const proxy = await loggingProxy(
      `[{ name: x, typed_config: { "@type": ${TYPE}, common_config: { ${common} } } }]`,
      service.port,
    );
    for (let i = 0; i < 10; i++) await fetch(proxy.url);
    await until(() => (counted(proxy)[0] ?? 0) + (counted(proxy)[1] ?? 0) === 10, 'ten entries');
    const [written = 0, , flushed, failed = 0] = counted(proxy);
    expect([written < 10, flushed, failed > 0]).toEqual([true, 0, true]);
  });
});

describe('its configuration', () => {
  const service = 'grpc_service: { envoy_grpc: { cluster_name: als } }';
  it.each([
    ['{}', 'log_name: is required'],
    ['{ log_name: a }', 'grpc_service: is required'],
    ['{ log_name: a, grpc_service: {} }', 'grpc_service: needs one of envoy_grpc'],
    ['{ log_name: a, grpc_service: { envoy_grpc: {} } }', 'cluster_name: is required'],
    ['{ log_name: a, grpc_service: { google_grpc: { target_uri: a, stat_prefix: b } } }', 'use envoy_grpc'],
    [`{ log_name: a, transport_api_version: V2, ${service} }`, 'The v2 xDS major version has been removed'],
    [`{ log_name: a, buffer_flush_interval: 0s, ${service} }`, 'must be greater than 0s'],
    [
      '{ log_name: a, grpc_service: { initial_metadata: [{ key: "a b" }], envoy_grpc: { cluster_name: x } } }',
      'a header name',
    ],
    [
      '{ log_name: a, grpc_service: { initial_metadata: [{ key: a, value: "%FOO%" }], envoy_grpc: { cluster_name: x } } }',
      'FOO',
    ],
    [
      '{ log_name: a, grpc_service: { initial_metadata: [{ key: a, value: "%PROTOCOL%" }], envoy_grpc: { cluster_name: x } } }',
      'the call belongs to no exchange',
    ],
  ])('%s is refused', async (common, problem) => {
    const config = `[{ name: x, typed_config: { "@type": ${TYPE}, common_config: ${common} } }]`;
    await expect(loggingProxy(config, 1)).rejects.toThrow(problem);
  });
});
