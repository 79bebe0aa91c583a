/** Which protocol a connection speaks, and what it costs a client that does not say. */
import { describe, expect, it } from 'vitest';
import type { TlsInfo } from '../api/tls.ts';
import { block, frame, GET } from '../http2/fixture.ts';
import { FrameType, PREFACE } from '../http2/frames.ts';
import { TestClient } from './fixtures/client.ts';

const HTTP1 = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
const HTTP2 = Buffer.concat([PREFACE, frame(FrameType.SETTINGS, 0, 0), frame(FrameType.HEADERS, 5, 1, block(GET))]);

function tls(alpn: string): { tls: TlsInfo } {
  return { tls: { alpn } as TlsInfo };
}

function active(client: TestClient): (number | undefined)[] {
  return ['', 'http1_', 'http2_', 'ssl_'].map((protocol) => client.gauge(`downstream_cx_${protocol}active`));
}

/** `1` or `2`. */
function spoken(client: TestClient): number {
  const output = client.take();
  return output.startsWith('HTTP/1.1 200') ? 1 : output.charCodeAt(3) === FrameType.SETTINGS ? 2 : 0;
}

describe('codec_type', () => {
  it.each([
    ['AUTO', undefined, HTTP1, 1],
    ['AUTO', undefined, HTTP2.toString('latin1'), 2],
    ['AUTO', tls(''), HTTP2.toString('latin1'), 2],
    ['AUTO', tls('h2'), HTTP2.toString('latin1'), 2],
    ['AUTO', tls('http/1.1'), HTTP1, 1],
    ['HTTP1', tls('h2'), HTTP1, 1],
    ['HTTP2', undefined, HTTP2.toString('latin1'), 2],
  ])('%s with %j goes by them', (codec_type, peer, bytes, version) => {
    for (const step of [bytes.length, 1]) {
      const client = new TestClient({ codec_type }, { peer });
      for (let at = 0; at < bytes.length; at += step) client.send(bytes.slice(at, at + step));
      expect(spoken(client)).toBe(version);
      expect(active(client)).toEqual([1, version === 1 ? 1 : 0, version === 2 ? 1 : 0, peer === undefined ? 0 : 1]);
      expect(client.counter(`downstream_cx_http${version}_total`)).toBe(1);
      client.socket.emit('close');
      expect(active(client)).toEqual([0, 0, 0, 0]);
      expect(client.manager.connections.size).toBe(0);
    }
  });
});

describe('UndecidedConnection', () => {
  it.each(['PRI', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r', 'P'])(
    '%j goes on as HTTP/1 when it does not go on as a preface',
    (part) => {
      const client = new TestClient();
      client.send(part);
      expect(active(client)).toEqual([1, 0, 0, 0]);
      client.send(part === 'P' ? 'OST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n' : 'X');
      expect(client.take()).toMatch(part === 'P' ? /^HTTP\/1.1 200/ : part === 'PRI' ? /^$/ : /^HTTP\/1.1 4/);
      expect(active(client)).toEqual([1, 1, 0, 0]);
    },
  );

  it('half a preface is answered as half a head is', () => {
    const client = new TestClient({ request_headers_timeout: '3s' });
    client.send('PRI * HT');
    client.advance(3008);
    expect(client.take()).toMatch(/^HTTP\/1.1 408/);
    expect(client.counter('downstream_rq_header_timeout')).toBe(1);
    expect(client.socket.ended).toBe(true);
  });

  it('without a byte it is closed when idle', () => {
    const client = new TestClient({ common_http_protocol_options: { idle_timeout: '9s' } });
    client.advance(9008);
    expect(client.socket.ended).toBe(true);
    expect(client.counter('downstream_cx_idle_timeout')).toBe(1);
    client.socket.emit('close');
    expect(active(client)).toEqual([0, 0, 0, 0]);
  });

  it('its age counts from the beginning', () => {
    const client = new TestClient({ common_http_protocol_options: { max_connection_duration: '10s' } });
    client.advance(9000);
    client.send(HTTP1);
    client.take();
    client.advance(1008);
    client.send(HTTP1);
    expect(client.take()).toContain('connection: close');
    expect(client.counter('downstream_cx_max_duration_reached')).toBe(1);
  });

  it('ends with the client, and with the proxy', () => {
    const client = new TestClient();
    client.socket.emit('end');
    expect(client.socket.ended).toBe(true);
    const other = new TestClient();
    for (const connection of other.manager.connections) connection.shutdown(false);
    expect(other.socket.ended).toBe(true);
  });
});
