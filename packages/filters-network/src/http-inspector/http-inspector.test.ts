import { testListenerFilter } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { connect, exchange, heard, says, serve } from '../fixture.ts';
import { httpInspector } from './index.ts';

const proxied = () =>
  serve({
    listenerFilters: [httpInspector()],
    filterChains: [
      says('1.0', { applicationProtocols: ['http/1.0'] }),
      says('1.1', { applicationProtocols: ['http/1.1'] }),
      says('h2c', { applicationProtocols: ['h2c'] }),
      says('none'),
    ],
  });

/** As a running Envoy 1.40 judges. */
const rows: readonly [string, string][] = [
  ['GET / HTTP/1.1\r\n', '1.1'],
  ['GET / HTTP/1.0\r\n', '1.0'],
  ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'h2c'],
  ['PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', '1.0'],
  ['FOO / HTTP/1.1\r\n', '1.1'],
  ['get / HTTP/1.1\n', '1.1'],
  ['GET /\r\n', '1.0'],
  ['GET / HTTP/1.2\r\n', '1.0'],
  ['GET / HTTP/2.0\r\n', '1.0'],
  ['GET  / HTTP/1.1 \r\n', '1.1'],
  ['CONNECT a:1 HTTP/1.1\r\n', '1.1'],
  ['GET / HTPX/1.1\r\n', 'none'],
  ['GET / http/1.1\r\n', 'none'],
  ['GET /a b HTTP/1.1\r\n', 'none'],
  ['GET /\xe4 HTTP/1.1\r\n', 'none'],
  ['G@T / HTTP/1.1\r\n', 'none'],
  ['\r\nGET / HTTP/1.1\r\n', 'none'],
  [' GET / HTTP/1.1\r\n', 'none'],
  ['hello\r\n', 'none'],
  ['\x00\x01\x02garbage', 'none'],
  [`GET /${'a'.repeat(20_000)} HTTP/1.1\r\n`, '1.1'],
];

describe('httpInspector', () => {
  it('tells versions apart, and leaves the bytes where they are', async () => {
    const proxy = await proxied();
    for (const [text, chain] of rows) {
      expect([text, (await exchange(proxy.port, Buffer.from(text, 'latin1'))).text]).toEqual([text, chain]);
    }
    const count = (name: string) => proxy.stats(`http_inspector.${name}`);
    const counted = ['http10_found', 'http11_found', 'http2_found', 'http_not_found'].map(count);
    const expected = ['1.0', '1.1', 'h2c', 'none'].map((chain) => rows.filter(([, each]) => each === chain).length);
    expect(counted).toEqual(expected);
  });

  it('nothing depends on how a line is cut', async () => {
    const chains: Readonly<Record<string, string>> = { 'http/1.0': '1.0', 'http/1.1': '1.1', h2c: 'h2c' };
    for (const [text, chain] of rows) {
      if (text.length > 1000) continue;
      const bytes = Buffer.from(text, 'latin1');
      const { found, outcome } = await testListenerFilter(httpInspector()).everyCut(bytes);
      const [protocol = ''] = found.applicationProtocols;
      expect([text, outcome, chains[protocol] ?? 'none']).toEqual([text, 'accepted', chain]);
    }
  });

  it('closes a connection whose line is longer than 64 KiB', async () => {
    const proxy = await proxied();
    const socket = await connect(proxy.port);
    const end = heard(socket);
    socket.write(`GET /${'a'.repeat(70_000)}`);
    expect((await end).text).toBe('');
    expect(proxy.stats('http_inspector.read_error')).toBe(1);
  });
});
