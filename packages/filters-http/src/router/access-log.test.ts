import { type AccessLogType, compileAccessLogFormat, defineAccessLog, route } from '@mesh/core';
import { answer, closeUnanswered, neverAnswer, sequence, until } from '@mesh/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ask, clientOf, closeAfterEach, get, post, proxyFor, upstreamOf } from './fixture.ts';
import { router } from './index.ts';

closeAfterEach();

/** Keeps its lines; what differs from run to run is left out of its format. */
const lines: string[] = [];
const print = compileAccessLogFormat({
  textFormat:
    '%ACCESS_LOG_TYPE% %REQ(:METHOD)% %REQ(:PATH)% %PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_CLUSTER%',
});
const kept = defineAccessLog({
  name: 'test.kept',
  config: z.object({}),
  create: () => ({ log: (subject, type: AccessLogType) => void lines.push(print(subject, type)) }),
});
const accessLogs = [kept()];
beforeEach(() => {
  lines.length = 0;
});
const untilLines = (count: number) => until(() => lines.length >= count, `${count} lines, have ${lines.join('; ')}`);

describe('access logs', () => {
  it.each([
    ['GARBAGE\r\n\r\n', '400 DPE http1.codec_error 0 11'],
    ['GET / HTTP/1.1\r\nhost: a\r\nno colon\r\n\r\n', '400 DPE http1.codec_error 0 11'],
    ['GET / HTTP/1.0\r\nhost: a\r\n\r\n', '426 DPE low_version 0 16'],
    [get('/', `x: ${'a'.repeat(70_000)}\r\n`), '431 DPE http1.headers_too_large 0 31'],
    [get('/', 'transfer-encoding: gzip\r\n'), '501 DPE http1.invalid_transfer_encoding 0 15'],
  ])('heads that are refused have an entry, as in Envoy: %.30j', async (head, expected) => {
    const proxy = await proxyFor({ accessLogs, upstream: 1 });
    await ask(proxy, head);
    await untilLines(1);
    expect(lines).toEqual([`DownstreamEnd - - HTTP/1.1 ${expected} -`]);
  });

  it.each([
    ['GET / HTTP/1.1\r\n\r\n', 'DownstreamEnd GET / HTTP/1.1 400 - missing_host_header 0 0 -'],
    [get('/none'), 'DownstreamEnd GET /none HTTP/1.1 404 NR route_not_found 0 0 -'],
  ])('answers in front of the filters have one, too: %.30j', async (head, expected) => {
    const proxy = await proxyFor({ accessLogs, upstream: 1, routes: [route('/u', 'upstream')] });
    await ask(proxy, head);
    await untilLines(1);
    expect(lines).toEqual([expected]);
  });

  it('so has a client that goes away within its head', async () => {
    const proxy = await proxyFor({ accessLogs, upstream: 1 });
    const client = await clientOf(proxy);
    await client.send('GET / HTT');
    await proxy.untilStat('http.ingress_http.downstream_cx_http1_active', 1);
    client.socket.destroy();
    await untilLines(1);
    expect(lines).toEqual(['DownstreamEnd - - HTTP/1.1 0 DC downstream_remote_disconnect 0 0 -']);
  });

  it('each run of an exchange has an entry; that of the redirect has its response', async () => {
    const upstream = await upstreamOf(
      sequence(answer({ status: 302, headers: { location: 'http://a/next' } }), answer({ body: 'hello' })),
    );
    const internalRedirectPolicy = { redirectResponseCodes: [302] };
    const routes = [route('/', 'upstream', { route: { internalRedirectPolicy } })];
    const proxy = await proxyFor({ accessLogs, upstream, routes });
    await ask(proxy, get('/first'));
    expect(lines).toEqual([
      'DownstreamEnd GET /next HTTP/1.1 302 - internal_redirect 0 0 upstream',
      'DownstreamEnd GET /next HTTP/1.1 200 - via_upstream 0 5 upstream',
    ]);
  });

  it('access_log_options: an entry when the request comes, and at each interval', async () => {
    const upstream = await upstreamOf(neverAnswer());
    const proxy = await proxyFor({
      accessLogs,
      upstream,
      accessLogOptions: {
        accessLogFlushIntervalMs: 20,
        flushAccessLogOnNewRequest: true,
        flushLogOnTunnelSuccessfullyEstablished: false,
      },
    });
    const client = await clientOf(proxy);
    await client.send(get('/slow'));
    await untilLines(3);
    client.socket.resetAndDestroy();
    await until(() => lines.some((line) => line.startsWith('DownstreamEnd')), 'the end');
    const count = lines.length;
    const types = lines.map((line) => line.split(' ')[0]);
    expect(types.slice(0, 3)).toEqual(['DownstreamStart', 'DownstreamPeriodic', 'DownstreamPeriodic']);
    expect(types.indexOf('DownstreamEnd')).toBe(count - 1);
    expect(lines[0]).toBe('DownstreamStart GET /slow HTTP/1.1 0 - - 0 0 upstream');
  });
});

describe('upstream_log', () => {
  it('has an entry for each attempt, seen from the upstream', async () => {
    const upstream = await upstreamOf(sequence(answer({ status: 503 }), answer({ body: 'hello' })));
    const options = { flushUpstreamLogOnUpstreamStream: true };
    const filters = [router({ upstreamLog: [kept()], upstreamLogOptions: options } as never)];
    const retryPolicy = { retryOn: '5xx', numRetries: { value: 1 } };
    const proxy = await proxyFor({
      filters,
      upstream,
      routes: [route('/', 'upstream', { route: { retryPolicy } } as never)],
    });
    await ask(proxy, post('/', 'abc'));
    await untilLines(4);
    expect(lines).toEqual([
      'UpstreamPoolReady POST / HTTP/1.1 0 - - 0 3 upstream',
      'UpstreamEnd POST / HTTP/1.1 503 - - 0 3 upstream',
      'UpstreamPoolReady POST / HTTP/1.1 0 - - 0 3 upstream',
      'UpstreamEnd POST / HTTP/1.1 200 - - 5 3 upstream',
    ]);
  });

  it('tells why an attempt has failed', async () => {
    const upstream = await upstreamOf(closeUnanswered());
    const proxy = await proxyFor({ filters: [router({ upstreamLog: [kept()] } as never)], upstream });
    await ask(proxy);
    await untilLines(1);
    expect(lines).toEqual(['UpstreamEnd GET / HTTP/1.1 0 UC - 0 0 upstream']);
  });
});

/** Frames of HTTP/2: a type, flags, a stream, a payload. */
function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.set([type, flags], 3);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Fields without compression. */
function block(...fields: readonly (readonly [name: string, value: string])[]): Buffer {
  const text = (value: string) => [value.length, ...Buffer.from(value)];
  return Buffer.from(fields.flatMap(([name, value]) => [0, ...text(name), ...text(value)]));
}

describe('access logs of HTTP/2', () => {
  const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0)]);
  const GET = [
    [':method', 'GET'],
    [':path', '/'],
    [':scheme', 'http'],
    [':authority', 'a'],
  ] as const;

  it.each([
    ['a field with upper case', 5, block(...GET, ['X-A', '1']), '0 DPE http2.invalid.header.field'],
    ['a request without a path', 5, block([':method', 'GET']), '0 DPE http2.violation.of.messaging.rule'],
    ['a head that stays unfinished', 1, block(...GET), '0 DC downstream_remote_disconnect'],
  ])('%s has an entry, as in Envoy', async (_, flags, head, expected) => {
    const proxy = await proxyFor({ accessLogs, upstream: 1 });
    const client = await clientOf(proxy);
    await client.send(Buffer.concat([PREFACE, frame(1, flags, 1, head)]));
    await client.read(9);
    client.socket.end();
    await untilLines(1);
    expect(lines).toEqual([`DownstreamEnd - - HTTP/2 ${expected} 0 0 -`]);
  });
});
