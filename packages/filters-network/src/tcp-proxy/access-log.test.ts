import { type AccessLogType, compileAccessLogFormat, defineAccessLog, filterChain } from '@mesh/core';
import { message } from '@mesh/core/proto';
import { type LiveProxy, type RawClient, rawClient, refusedPort, startProxy, until } from '@mesh/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { echo, tlsInspector } from '../index.ts';
import { type RawServer, rawServer, tcpProxyTo } from './fixture.ts';

const lines: string[] = [];
const print = compileAccessLogFormat({
  textFormat:
    '%ACCESS_LOG_TYPE% %PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_CLUSTER% %UPSTREAM_WIRE_BYTES_RECEIVED% %UPSTREAM_WIRE_BYTES_SENT% %UPSTREAM_TRANSPORT_FAILURE_REASON%',
});
const kept = defineAccessLog({
  name: 'test.kept',
  config: message({}, { name: 'test.Kept' }),
  create: () => ({ log: (subject, type: AccessLogType) => void lines.push(print(subject, type)) }),
});

let cleanups: (() => unknown)[];
let server: RawServer;
beforeEach(async () => {
  lines.length = 0;
  server = await rawServer();
  cleanups = [() => server.close()];
});
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});
const untilLines = (count: number) => until(() => lines.length >= count, `${count} lines`);

async function proxyFor(made: Promise<LiveProxy>): Promise<LiveProxy> {
  const proxy = await made;
  cleanups.push(() => proxy.close());
  return proxy;
}

async function clientOf(proxy: LiveProxy): Promise<RawClient> {
  const client = await rawClient(proxy.port);
  cleanups.push(() => client.socket.destroy());
  return client;
}

const logs = { accessLog: [kept()] } as never as object;

describe('access_log of tcp_proxy', () => {
  it('has an entry when a connection is over', async () => {
    const proxy = await proxyFor(tcpProxyTo(server, logs));
    const client = await clientOf(proxy);
    await client.send('abc');
    const far = await server.connection();
    await far.send('hello');
    await client.read(5);
    client.socket.end();
    far.socket.end();
    await untilLines(1);
    expect(lines).toEqual(['TcpConnectionEnd - 0 - - 3 5 upstream 5 3 -']);
  });

  it('has entries at the moments that access_log_options names', async () => {
    const accessLogOptions = {
      accessLogFlushInterval: '0.01s',
      flushAccessLogOnConnected: true,
      flushAccessLogOnStart: true,
    };
    const proxy = await proxyFor(tcpProxyTo(server, { ...logs, accessLogOptions }));
    const client = await clientOf(proxy);
    await until(() => lines.some((line) => line.startsWith('TcpPeriodic - 0 - - 0 0 upstream')), 'a period');
    client.socket.resetAndDestroy();
    await until(() => lines.at(-1)?.startsWith('TcpConnectionEnd') === true, 'the end');
    const types = lines.map((line) => line.split(' ')[0]);
    expect(types.filter((type) => type !== 'TcpPeriodic')).toEqual([
      'TcpConnectionStart',
      'TcpUpstreamConnected',
      'TcpConnectionEnd',
    ]);
    expect(lines[0]).toBe('TcpConnectionStart - 0 - - 0 0 - 0 0 -');
  });

  it('tells why there was no upstream, flags in Envoy’s order', async () => {
    const proxy = await proxyFor(tcpProxyTo(await refusedPort(), logs));
    await clientOf(proxy);
    await untilLines(1);
    expect(lines).toEqual(['TcpConnectionEnd - 0 UF,URX - 0 0 upstream 0 0 delayed_connect_error:_Connection_refused']);
  });

  it.each([
    [{ accessLogOptions: {}, accessLogFlushInterval: '1s' }, 'access_log_flush_interval'],
    [{ accessLogOptions: {}, flushAccessLogOnConnected: true }, 'flush_access_log_on_connected'],
  ])('old and new options exclude each other: %j', (config, field) => {
    const text = `Only one of ${field} or access_log_options can be specified.`;
    expect(() => tcpProxyTo(1, config as never)).toThrow(text);
  });
});

describe('access_log of a listener', () => {
  it('has an entry for each connection, of whatever protocol', async () => {
    const http = await proxyFor(startProxy({ upstream: server, listener: { accessLogs: [kept()] } }));
    const client = await clientOf(http);
    await client.send('GARBAGE\r\n\r\n');
    await client.read(10);
    client.socket.destroy();
    await untilLines(1);
    expect(lines.splice(0)[0]).toMatch(/^NotSet - 0 DPE - 11 1\d\d - 0 0 -$/);
    const tcp = await proxyFor(tcpProxyTo(server, {}, { listener: { accessLogs: [kept()] } }));
    (await clientOf(tcp)).socket.end();
    (await server.connection()).socket.end();
    await untilLines(1);
    expect(lines).toEqual(['NotSet - 0 - - 0 0 upstream 0 0 -']);
  });

  it('has one for those that no filter chain is for', async () => {
    const chain = filterChain({ match: { serverNames: ['a.example'] }, filters: [echo()] });
    const listener = { accessLogs: [kept()], listenerFilters: [tlsInspector()], filterChains: [chain] };
    const proxy = await proxyFor(startProxy({ upstream: server, listener }));
    const client = await clientOf(proxy);
    await client.send('no hello');
    await untilLines(1);
    expect(lines).toEqual(['NotSet - 0 NR filter_chain_not_found 0 0 - 0 0 -']);
  });
});
