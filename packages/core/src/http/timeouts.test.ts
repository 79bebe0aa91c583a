/** Every timeout of the connection manager, on virtual time: not before its time, and at most one tick (8 ms) after. */
import { describe, expect, it } from 'vitest';
import type { HttpFilter } from '../api/http-filter.ts';
import type { TerminalStream } from '../api/http-stream.ts';
import type { ForwardAction } from '../api/route.ts';
import { ResponseHead } from '../headers/header-map.ts';
import { TestClient } from './fixtures/client.ts';

const TICK = 8;
const POST = 'POST /hang HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab';

/** Nothing may have come one millisecond early; what comes within the tick is returned. */
function after(client: TestClient, ms: number): string {
  client.advance(ms - 1);
  expect(client.take()).toBe('');
  client.advance(1 + TICK);
  return client.take();
}

const forward = (action: Partial<ForwardAction>) => ({ action: { kind: 'forward', ...action } as ForwardAction });

/** Begins its answer with the head of the request. */
const early: HttpFilter<never, TerminalStream> = {
  onRequestHeaders(_head, stream) {
    const head = new ResponseHead();
    head.append('content-length', '4');
    stream.respondHead(head, false);
    stream.flushResponse();
  },
};

describe('a timeout of a stream', () => {
  it.each([
    ['request_headers_timeout', { request_headers_timeout: '1s' }, 'GET / HTTP/1.1\r\n', 408, 'request header timeout'],
    ['stream_idle_timeout in a head', { stream_idle_timeout: '1s' }, 'GET / HTTP/1.1\r\n', 408, 'stream timeout'],
    ['stream_idle_timeout in a body', { stream_idle_timeout: '1s' }, POST, 408, 'stream timeout'],
    ['request_timeout', { request_timeout: '1s' }, POST, 408, 'request timeout'],
    [
      'max_stream_duration in a request',
      { common_http_protocol_options: { max_stream_duration: '1s' } },
      POST,
      408,
      'downstream duration timeout',
    ],
  ])('%s', (_name, written, text, status, body) => {
    const client = new TestClient(written);
    client.send(text);
    const answer = after(client, 1000);
    expect(answer).toContain(`HTTP/1.1 ${status} `);
    expect(answer).toContain('connection: close\r\n');
    expect(answer.endsWith(body)).toBe(true);
  });

  it.each([
    ['stream_idle_timeout', { stream_idle_timeout: '1s' }, 'stream timeout'],
    [
      'max_stream_duration',
      { common_http_protocol_options: { max_stream_duration: '1s' } },
      'downstream duration timeout',
    ],
  ])('%s is a 504 once the request is complete', (_name, written, body) => {
    const client = new TestClient(written);
    client.get('/hang');
    const answer = after(client, 1000);
    expect(answer).toContain('HTTP/1.1 504 ');
    expect(answer.endsWith(body)).toBe(true);
  });

  it('of being idle begins anew with every piece of the body', () => {
    const client = new TestClient({ stream_idle_timeout: '1s' });
    client.send(POST);
    for (let i = 0; i < 3; i++) {
      client.advance(900);
      client.send('x');
    }
    expect(client.take()).toBe('');
    expect(after(client, 1000)).toContain('408');
  });

  it('resets a response that has begun', () => {
    const client = new TestClient({ stream_idle_timeout: '1s' }, { terminal: early });
    client.get();
    expect(client.take()).toContain('HTTP/1.1 200 OK');
    client.advance(1000 + TICK);
    expect(client.take()).toBe('');
    expect(client.socket.ended).toBe(true);
  });

  it('of the request ends when the response begins', () => {
    const client = new TestClient({ request_timeout: '1s', stream_idle_timeout: '9s' }, { terminal: early });
    client.send(POST);
    client.take();
    client.advance(5000);
    expect(client.socket.ended).toBe(false);
    expect(client.counter('downstream_rq_timeout')).toBe(0);
  });

  it('is immune to jumps of the calendar', () => {
    const client = new TestClient({ stream_idle_timeout: '1s' });
    client.get('/hang');
    client.clock.wall = 9e12;
    client.advance(500);
    client.clock.wall = -9e12;
    expect(after(client, 500)).toContain('504');
  });

  it.each([
    ['idle_timeout', forward({ idleTimeoutMs: 1000 }), 'stream timeout'],
    ['max_stream_duration', forward({ streamDuration: duration(1000) }), 'downstream duration timeout'],
  ])("of the route replaces the manager's: %s", (_name, route, body) => {
    const written = { stream_idle_timeout: '100s', common_http_protocol_options: { max_stream_duration: '100s' } };
    const client = new TestClient(written, { route });
    client.get('/hang');
    expect(after(client, 1000).endsWith(body)).toBe(true);
  });

  it('of the route may be none', () => {
    const written = { stream_idle_timeout: '1s', common_http_protocol_options: { max_stream_duration: '1s' } };
    const client = new TestClient(written, { route: forward({ idleTimeoutMs: 0, streamDuration: duration(0) }) });
    client.get('/hang');
    client.advance(100_000);
    expect(client.take()).toBe('');
  });

  it('max_stream_duration is DEADLINE_EXCEEDED to gRPC', () => {
    const client = new TestClient({ common_http_protocol_options: { max_stream_duration: '1s' } });
    client.get('/hang', 'content-type: application/grpc\r\n');
    expect(after(client, 1000)).toContain('grpc-status: 4\r\n');
  });
});

function duration(maxStreamDurationMs: number) {
  return { maxStreamDurationMs, grpcTimeoutHeaderMaxMs: undefined, grpcTimeoutHeaderOffsetMs: 0 };
}

const common = (more: object) => ({ common_http_protocol_options: more });

/** True when the FIN goes out at `ms` and not before. */
function closesAfter(client: TestClient, ms: number): boolean {
  client.advance(ms - 1);
  if (client.socket.ended) return false;
  client.advance(1 + TICK);
  return client.socket.ended;
}

describe('a timeout of a connection', () => {
  it('idle_timeout closes a connection that was never used', () => {
    expect(closesAfter(new TestClient(common({ idle_timeout: '1s' })), 1000)).toBe(true);
  });

  it('idle_timeout of a used connection drains it first', () => {
    const client = new TestClient({ ...common({ idle_timeout: '1s' }), drain_timeout: '2s' });
    client.get();
    expect(closesAfter(client, 3000)).toBe(true);
    expect(client.counter('downstream_cx_idle_timeout')).toBe(1);
  });

  it('a request that comes while the connection drains is answered, and is the last one', () => {
    const client = new TestClient({ ...common({ idle_timeout: '1s' }), drain_timeout: '2s' });
    client.get();
    expect(client.take()).not.toContain('connection: close');
    client.advance(2000);
    client.get();
    expect(client.take()).toContain('connection: close');
    expect(client.socket.ended).toBe(true);
  });

  it('idle_timeout does not count while a request is under way', () => {
    const client = new TestClient(common({ idle_timeout: '1s' }));
    client.get('/hang');
    client.advance(5000);
    expect(client.socket.ended).toBe(false);
  });

  it('max_connection_duration drains', () => {
    const client = new TestClient({ ...common({ max_connection_duration: '1s' }), drain_timeout: '2s' });
    client.get();
    expect(closesAfter(client, 3000)).toBe(true);
    expect(client.counter('downstream_cx_max_duration_reached')).toBe(1);
  });

  it('max_connection_duration_jitter makes it longer by its share', () => {
    const written = common({ max_connection_duration: '1s', max_connection_duration_jitter: { value: 50 } });
    expect(closesAfter(new TestClient(written, { random: () => 0.5 }), 1250)).toBe(true);
  });

  it('http1_safe_max_connection_duration waits for one more request', () => {
    const written = { ...common({ max_connection_duration: '1s' }), http1_safe_max_connection_duration: true };
    const client = new TestClient(written);
    client.get();
    client.take();
    client.advance(60_000);
    expect(client.socket.ended).toBe(false);
    client.get();
    expect(client.take()).toContain('connection: close');
    expect(client.socket.ended).toBe(true);
  });

  it('delayed_close_timeout ends a connection that its client leaves open', () => {
    const client = new TestClient({ delayed_close_timeout: '1s' });
    client.get('/', 'connection: close\r\n');
    expect(client.socket.ended).toBe(true);
    client.advance(999);
    expect(client.socket.destroyed).toBe(false);
    client.advance(1 + TICK);
    expect(client.socket.destroyed).toBe(true);
    expect(client.counter('downstream_cx_delayed_close_timeout')).toBe(1);
  });

  it.each([
    ['stream_flush_timeout', { stream_flush_timeout: '1s' }, undefined],
    ['stream_idle_timeout in its place', { stream_idle_timeout: '1s' }, undefined],
    ['flush_timeout of the route', {}, forward({ flushTimeoutMs: 1000 })],
  ])('%s gives up on a client that does not read', (_name, written, route) => {
    const client = new TestClient(written, route === undefined ? {} : { route });
    client.socket.writableLength = 100_000;
    client.get();
    client.advance(999);
    expect(client.socket.destroyed).toBe(false);
    client.advance(1 + TICK);
    expect(client.socket.destroyed).toBe(true);
  });

  it('stream_flush_timeout waits for a client that reads slowly, and ends when all is read', () => {
    const client = new TestClient({ stream_flush_timeout: '1s', stream_idle_timeout: '0s' });
    client.socket.writableLength = 100_000;
    client.get();
    client.advance(900);
    client.socket.writableLength = 90_000;
    client.advance(900);
    expect(client.socket.destroyed).toBe(false);
    client.drain();
    client.advance(60_000);
    expect(client.socket.destroyed).toBe(false);
  });
});
