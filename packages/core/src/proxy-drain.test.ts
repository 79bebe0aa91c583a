import { request } from 'node:http';
import { connect } from 'node:http2';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createProxy } from './create-proxy.ts';
import { defineTerminalHttpFilter } from './define/index.ts';
import type { MeshProxy } from './proxy.ts';

const hello = defineTerminalHttpFilter({
  name: 'test.filters.http.hello',
  config: z.object({}),
  create: () => ({ onRequestHeaders: (_headers, stream) => stream.reply(200, 'hello\n') }),
});

const hcm = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const listenerText = (name: string, more: string, address = '127.0.0.1') => `
  - name: ${name}
    address: { socket_address: { address: "${address}", port_value: 0${more.includes('ipv4_compat') ? `, ${more}` : ''} } }
    ${more.includes('ipv4_compat') ? '' : more}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config: { "@type": ${hcm}, stat_prefix: in, http_filters: [{ name: test.filters.http.hello }], route_config: {} }`;

let proxy: MeshProxy;
afterEach(() => proxy.close());

async function started(listeners: string): Promise<void> {
  const config = `admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }
node: { id: one, locality: { region: r, sub_zone: s }, metadata: { rack: 7 } }
static_resources:\n  listeners:${listeners}`;
  proxy = await createProxy({ configOverride: config, extensions: [hello] });
  await proxy.start();
}

function admin(path: string, method = 'POST'): Promise<string> {
  const address = proxy.adminAddress as { port: number };
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port: address.port, path, method }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve(body));
    });
    call.on('error', reject).end();
  });
}

/** The connection field of an answer; undefined when the listener takes no connections any more. */
function connectionField(name: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const { port } = proxy.address(name);
    const call = request({ host: '127.0.0.1', port, headers: { connection: 'keep-alive' } }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.headers.connection ?? 'keep-alive'));
    });
    call.on('error', reject).end();
  });
}

const both = (one: string, two: string) => listenerText('one', one) + listenerText('two', two);

describe('MeshProxy draining', () => {
  it('drain_type MODIFY_ONLY does not drain on /healthcheck/fail', async () => {
    await started(both('drain_type: MODIFY_ONLY', 'drain_type: DEFAULT'));
    await admin('/healthcheck/fail');
    expect([await connectionField('one'), await connectionField('two')]).toEqual(['keep-alive', 'close']);
  });

  it('/drain_listeners?graceful&skip_exit&inboundonly drains inbound listeners only', async () => {
    await started(both('traffic_direction: INBOUND', 'traffic_direction: OUTBOUND'));
    await admin('/drain_listeners?graceful&skip_exit&inboundonly');
    expect([await connectionField('one'), await connectionField('two')]).toEqual(['close', 'keep-alive']);
    await admin('/drain_listeners?graceful&skip_exit');
    expect(await connectionField('two')).toBe('close');
  });

  it('/drain_listeners?graceful&skip_exit tells an idle HTTP/2 client at once', async () => {
    await started(listenerText('one', ''));
    const client = connect(`http://127.0.0.1:${proxy.address('one').port}`);
    const told = new Promise<number>((resolve) => client.on('goaway', resolve));
    await new Promise((resolve) => client.on('remoteSettings', resolve));
    await admin('/drain_listeners?graceful&skip_exit');
    expect(await told).toBe(0);
    client.destroy();
  });

  it('/drain_listeners?inboundonly stops inbound listeners only', async () => {
    await started(both('traffic_direction: INBOUND', 'traffic_direction: OUTBOUND'));
    const { port } = proxy.address('one');
    await admin('/drain_listeners?inboundonly');
    const refused = await new Promise<string | undefined>((resolve) => {
      net.connect(port, '127.0.0.1').on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    expect(refused).toBe('ECONNREFUSED');
    expect(await connectionField('two')).toBe('keep-alive');
  });
});

describe('MeshProxy node', () => {
  it('is shown by /server_info with its locality and metadata', async () => {
    await started(listenerText('one', ''));
    expect(JSON.parse(await admin('/server_info', 'GET')).node).toMatchObject({
      id: 'one',
      locality: { region: 'r', zone: '', sub_zone: 's' },
      metadata: { rack: 7 },
    });
  });
});

describe('socket_address ::', () => {
  it.each([
    ['ipv4_compat: false', false],
    ['ipv4_compat: true', true],
  ])('%s: takes IPv4 connections: %s', async (compat, taken) => {
    await started(listenerText('one', compat, '::'));
    const { port } = proxy.address('one');
    const connected = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    expect(connected).toBe(taken);
  });
});
