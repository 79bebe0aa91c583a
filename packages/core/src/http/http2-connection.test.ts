/** How a connection of HTTP/2 lives and ends, and what its streams are spared of one another. */
import { describe, expect, it } from 'vitest';
import type { HttpFilter } from '../api/http-filter.ts';
import type { HttpStream, TerminalStream } from '../api/http-stream.ts';
import { flagString } from '../errors.ts';
import { block, frame, GET, uint32 } from '../http2/fixture.ts';
import { FrameType } from '../http2/frames.ts';
import type { ClientOptions } from './fixtures/client.ts';
import { Http2TestClient } from './fixtures/http2-client.ts';
import type { ResponseStream } from './stream-response.ts';

const LAST = 0x7fffffff;
const DRAIN_MS = 5000;

/** `/hang` is never answered, `/big` with 100 KB; the rest of paths at once. Writes down how streams ended. */
function terminal(outcomes: string[] = []): HttpFilter<never, TerminalStream> {
  return {
    onRequestHeaders: (head, stream) => {
      if (head.path === '/big') stream.reply(200, 'x'.repeat(100_000));
      else if (head.path === '/bad') stream.reply(400);
      else if (head.path !== '/hang') stream.reply(200, 'ok');
    },
    onComplete: ({ info }: HttpStream) => void outcomes.push(`${flagString(info.flags)} ${info.details}`),
  } as HttpFilter<never, TerminalStream>;
}

function client(written: object = {}, outcomes?: string[], options: ClientOptions = {}): Http2TestClient {
  return new Http2TestClient(written, { terminal: terminal(outcomes), ...options });
}

function left(one: Http2TestClient): (number | undefined)[] {
  return ['downstream_rq_active', 'downstream_cx_active', 'downstream_cx_http2_active'].map((name) => one.gauge(name));
}

describe('Http2Connection', () => {
  it.each(['AUTO', 'HTTP2'])('codec_type %s counts its connection and its streams', async (codec_type) => {
    const one = client({ codec_type });
    one.open('/');
    one.open('/');
    expect(await one.frames()).toEqual(['HEADERS 1 200', 'DATA 1 ok END', 'HEADERS 3 200', 'DATA 3 ok END']);
    const names = ['cx_total', 'cx_http2_total', 'cx_http1_total', 'rq_total', 'rq_http2_total', 'rq_http1_total'];
    expect(names.map((name) => one.counter(`downstream_${name}`))).toEqual([1, 1, 0, 2, 2, 0]);
    expect(left(one)).toEqual([0, 1, 1]);
    one.socket.emit('close');
    expect(left(one)).toEqual([0, 0, 0]);
  });

  it('a gRPC call gets its local reply in a head alone', async () => {
    const one = client({}, undefined, { terminal: { onRequestHeaders: (_head, stream) => stream.reply(503, 'no') } });
    one.open('/', { fields: [['content-type', 'application/grpc']] });
    expect(await one.frames()).toEqual(['HEADERS 1 200 14 END']);
  });

  it('a bad request is answered, and the connection goes on', async () => {
    const one = client();
    one.open('/bad');
    one.open('/');
    expect(await one.frames()).toEqual(['HEADERS 1 400 END', 'HEADERS 3 200', 'DATA 3 ok END']);
    expect(one.socket.ended).toBe(false);
  });

  it.each([
    [8, 'DR http2.remote_reset'],
    [7, 'DR http2.remote_refuse'],
  ])('RST_STREAM with code %i ends its stream only', async (code, outcome) => {
    const outcomes: string[] = [];
    const one = client({}, outcomes);
    const hanging = one.open('/hang');
    one.resetStream(hanging, code);
    one.open('/');
    expect(await one.frames()).toEqual(['HEADERS 3 200', 'DATA 3 ok END']);
    expect(outcomes[0]).toBe(outcome);
    expect(one.counter('downstream_rq_rx_reset')).toBe(1);
    expect(one.gauge('downstream_rq_active')).toBe(0);
  });

  it('a connection error says GOAWAY, ends every stream and closes', async () => {
    const outcomes: string[] = [];
    const one = client({}, outcomes);
    one.open('/hang');
    one.bytes(frame(FrameType.PING, 0, 1, Buffer.alloc(8)));
    expect(await one.frames()).toEqual(['GOAWAY 1 1']);
    expect(outcomes).toEqual([expect.stringMatching(/^DPE http2\./)]);
    expect(one.counter('downstream_cx_protocol_error')).toBe(1);
    expect(one.socket.ended).toBe(true);
    one.advance(1000);
    expect(one.counter('downstream_cx_delayed_close_timeout')).toBe(1);
    expect(one.socket.destroyed).toBe(true);
    one.socket.emit('close');
    expect(one.counter('downstream_cx_destroy_local_active_rq')).toBe(1);
    expect(left(one)).toEqual([0, 0, 0]);
  });

  it('a client that goes away ends its streams', () => {
    const outcomes: string[] = [];
    const one = client({}, outcomes);
    one.open('/hang');
    one.open('/hang');
    one.socket.emit('close');
    expect(outcomes).toEqual(Array(2).fill('DC downstream_remote_disconnect'));
    expect(left(one)).toEqual([0, 0, 0]);
    expect(one.counter('downstream_cx_destroy_remote_active_rq')).toBe(1);
  });

  it('a FIN of the client ends what nobody waits for', () => {
    const one = client();
    one.open('/hang');
    one.socket.emit('end');
    expect(one.socket.destroyed).toBe(true);
  });

  it('a FIN of the client without requests is answered, and a socket that does not close then is not waited for', () => {
    const one = client();
    one.socket.emit('end');
    expect(one.socket.destroyed).toBe(false);
    one.advance(990);
    expect(one.socket.destroyed).toBe(false);
    one.advance(20);
    expect(one.socket.destroyed).toBe(true);
  });

  it('a request that is taken back in the read that brought it is logged', () => {
    const seen: string[] = [];
    const end = ({ flags, details, requestHeaders, endMs }: ResponseStream) =>
      void seen.push(`${requestHeaders.path} ${flagString(flags)} ${details} ${endMs > 0}`);
    const one = client({}, undefined, { logs: { end } });
    one.advance(10);
    one.bytes(frame(FrameType.HEADERS, 5, 1, block(GET)), frame(FrameType.RST_STREAM, 0, 1, uint32(8)));
    expect(seen).toEqual(['/ DR http2.remote_reset true']);
    expect(one.counter('downstream_rq_rx_reset')).toBe(1);
  });

  it('premature resets end the connection at their limit', () => {
    const runtime = { integer: (key: string, other: number) => (key.endsWith('total_stream_count') ? 4 : other) };
    const one = client({}, undefined, { context: { runtime: { ...runtime, enabled: () => false } as never } });
    for (let i = 0; i < 10 && !one.socket.destroyed; i++) one.resetStream(one.open('/hang'), 8);
    expect(one.socket.destroyed).toBe(true);
    expect(one.counter('downstream_rq_too_many_premature_resets')).toBe(1);
    expect(one.counter('downstream_cx_protocol_error')).toBe(1);
  });
});

describe('Http2Connection draining', () => {
  /** Requests are taken until the second GOAWAY, and the connection closes with the last of them. */
  async function drains(one: Http2TestClient, first: number, drainMs = DRAIN_MS): Promise<void> {
    expect(await one.frames()).toContain(`GOAWAY ${LAST} 0`);
    one.advance(drainMs - 100);
    const hanging = one.open('/hang');
    one.open('/');
    expect(await one.frames()).toEqual([`HEADERS ${first + 2} 200`, `DATA ${first + 2} ok END`]);
    one.advance(100 + 8);
    expect(await one.frames()).toEqual([`GOAWAY ${first + 2} 0`]);
    one.open('/');
    expect(await one.frames()).toEqual([]);
    expect(one.socket.ended).toBe(false);
    one.resetStream(hanging, 8);
    expect(one.socket.ended).toBe(true);
  }

  it('idle_timeout', async () => {
    const one = client({ common_http_protocol_options: { idle_timeout: '60s' } });
    one.open('/');
    one.advance(59_000);
    one.open('/');
    one.advance(59_000);
    expect(await one.frames()).toHaveLength(4);
    one.advance(1008);
    await drains(one, 5);
    expect(one.counter('downstream_cx_idle_timeout')).toBe(1);
  });

  it('idle_timeout without further requests closes', async () => {
    const one = client({ common_http_protocol_options: { idle_timeout: '60s' } });
    one.advance(60_008);
    expect(await one.frames()).toEqual([`GOAWAY ${LAST} 0`]);
    expect(one.socket.ended).toBe(false);
    one.advance(DRAIN_MS + 8);
    expect(await one.frames()).toEqual(['GOAWAY 0 0']);
    expect(one.socket.ended).toBe(true);
  });

  it('idle_timeout does not hold while a stream is open', async () => {
    const one = client({ common_http_protocol_options: { idle_timeout: '60s' }, stream_idle_timeout: '0s' });
    one.open('/hang');
    one.advance(600_000);
    expect(await one.frames()).toEqual([]);
  });

  it('max_connection_duration', async () => {
    const one = client({ common_http_protocol_options: { max_connection_duration: '10s' } });
    one.open('/');
    await one.frames();
    one.advance(10_008);
    await drains(one, 3);
    expect(one.counter('downstream_cx_max_duration_reached')).toBe(1);
  });

  it('max_requests_per_connection', async () => {
    const one = client({ common_http_protocol_options: { max_requests_per_connection: 2 } });
    one.open('/');
    expect(await one.frames()).not.toContain(`GOAWAY ${LAST} 0`);
    one.open('/');
    await drains(one, 5);
    expect(one.counter('downstream_cx_max_requests_reached')).toBe(1);
  });

  it('drain_timeout and its jitter', async () => {
    const options = { drain_timeout: '2s', drain_timeout_jitter: { value: 50 } };
    const one = client({ ...options, common_http_protocol_options: { max_requests_per_connection: 1 } });
    one.open('/');
    await drains(one, 3, 2500);
  });

  it('a response of a manager that drains', async () => {
    let draining = false;
    const one = client({}, undefined, { draining: () => draining });
    one.open('/');
    expect(await one.frames()).toHaveLength(2);
    draining = true;
    one.open('/');
    one.open('/');
    await drains(one, 7);
    expect(one.counter('downstream_cx_drain_close')).toBe(1);
  });

  it('startDrain tells at once, shutdown waits for the streams under way', async () => {
    const one = client();
    const hanging = one.open('/hang');
    one.manager.startDrain();
    expect(await one.frames()).toEqual([`GOAWAY ${LAST} 0`]);
    for (const connection of one.manager.connections) connection.shutdown(false);
    expect(await one.frames()).toEqual(['GOAWAY 1 0']);
    expect(one.socket.ended).toBe(false);
    one.resetStream(hanging, 8);
    expect(one.socket.ended).toBe(true);
  });

  it('shutdown(true) ends everything', () => {
    const one = client();
    one.open('/hang');
    for (const connection of one.manager.connections) connection.shutdown(true);
    expect(one.socket.destroyed).toBe(true);
  });
});

describe('deadlines of the streams of a connection', () => {
  it('stream_idle_timeout ends the idle one only', async () => {
    const outcomes: string[] = [];
    const one = client({ stream_idle_timeout: '10s' }, outcomes);
    one.open('/hang');
    const busy = one.open('/hang', { end: false });
    one.advance(6000);
    one.data(busy, 'x');
    one.advance(4008);
    expect(await one.frames()).toEqual(['HEADERS 1 504', 'DATA 1 stream timeout END']);
    one.advance(6000);
    expect(await one.frames()).toEqual(['HEADERS 3 408', 'DATA 3 stream timeout END', 'RST_STREAM 3 0']);
    expect(outcomes).toEqual(Array(2).fill('SI stream_idle_timeout'));
    expect(one.gauge('downstream_rq_active')).toBe(0);
  });

  it('the earlier deadline of a later stream is met', async () => {
    const one = client({ stream_idle_timeout: '100s', request_timeout: '10s' });
    one.open('/hang');
    one.open('/hang', { end: false });
    one.advance(10_008);
    expect(await one.frames()).toEqual(['HEADERS 3 408', 'DATA 3 request timeout END', 'RST_STREAM 3 0']);
    one.advance(90_000);
    expect(await one.frames()).toEqual(['HEADERS 1 504', 'DATA 1 stream timeout END']);
  });

  it('request_headers_timeout ends the connection once its other streams are done', async () => {
    const one = client({ request_headers_timeout: '5s' });
    one.open('/');
    one.open('/hang');
    one.openHalf();
    await one.frames();
    one.advance(5008);
    expect(await one.frames()).toEqual(['GOAWAY 3 0']);
    expect(one.counter('downstream_rq_header_timeout')).toBe(1);
    expect(one.socket.ended).toBe(false);
    one.advance(300_000);
    expect(one.socket.ended).toBe(true);
  });

  it('stream_flush_timeout resets a response that the client does not read', async () => {
    const one = client({ stream_idle_timeout: '0s', stream_flush_timeout: '10s' });
    one.bytes(frame(FrameType.SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(1000)])));
    const big = one.open('/big');
    expect((await one.frames()).map((text) => text.slice(0, 8))).toEqual(['HEADERS ', 'DATA 1 x']);
    one.advance(19_000);
    one.bytes(frame(FrameType.WINDOW_UPDATE, 0, big, uint32(10)));
    expect(await one.frames()).toEqual(['DATA 1 xxxxxxxxxx']);
    one.advance(10_000);
    expect(await one.frames()).toEqual([]);
    one.advance(20_000);
    expect(await one.frames()).toEqual([expect.stringMatching(/^RST_STREAM 1 /)]);
    expect(one.counter('http2.tx_flush_timeout')).toBe(1);
  });
});
