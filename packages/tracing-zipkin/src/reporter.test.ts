import { describe, expect, test } from 'vitest';
import { TracerTest, V2 } from './fixture.ts';
import { MAX_IN_FLIGHT, MAX_REPORT, MAX_WAITING, MAX_WAITING_SIZE } from './reporter.ts';

describe('Reporter', () => {
  test('posts to the cluster of the collector, in its name', () => {
    const test = new TracerTest();
    test.report(5);
    expect(test.sent).toHaveLength(1);
    const { cluster, request } = test.sent[0]!;
    expect({ cluster, ...request, body: undefined }).toEqual({
      cluster: 'zipkin',
      method: 'POST',
      path: '/api/v2/spans',
      authority: 'zipkin',
      headers: [['content-type', 'application/json']],
      timeoutMs: 5000,
      body: undefined,
    });
  });

  test('calls the collector by its host name if it has one', () => {
    const test = new TracerTest({ ...V2, collectorHostname: 'zipkin.example' });
    test.report(5);
    expect(test.sent[0]?.request.authority).toBe('zipkin.example');
  });

  test.each([
    ['https://zipkin.example:9411/a/b?c', 'zipkin.example:9411', '/a/b?c'],
    ['http://zipkin.example', 'zipkin.example', '/'],
    ['/api/v2/spans', 'tracing', '/api/v2/spans'],
  ])('posts to the service %s', (uri, authority, path) => {
    const test = new TracerTest({
      collectorEndpointVersion: 'HTTP_JSON',
      collectorService: {
        httpUri: { uri, cluster: 'tracing', timeout: '1s' },
        requestHeadersToAdd: [{ header: { key: 'X-Token', value: '100%%' } }],
      },
    });
    test.report(5);
    expect(test.sent[0]).toMatchObject({ cluster: 'tracing', request: { authority, path } });
    expect(test.sent[0]?.request.headers).toEqual([
      ['content-type', 'application/json'],
      ['x-token', '100%'],
    ]);
  });

  test('flushes as many spans as the runtime says, and what is there when the interval ends', () => {
    const test = new TracerTest();
    test.report(4);
    expect(test.sent).toHaveLength(0);
    test.clock.advance(4999);
    expect(test.sent).toHaveLength(0);
    test.clock.advance(1);
    expect(test.last()).toHaveLength(4);
    test.answer();
    test.runtime.set('tracing.zipkin.min_flush_spans', 2);
    test.runtime.set('tracing.zipkin.flush_interval_ms', 100);
    test.runtime.set('tracing.zipkin.request_timeout', 50);
    test.report(2);
    expect(test.sent).toHaveLength(2);
    expect(test.sent[1]?.request.timeoutMs).toBe(50);
    test.report(1);
    test.clock.advance(5000);
    expect(test.sent).toHaveLength(3);
    test.clock.advance(300);
    expect(test.sent).toHaveLength(3);
    expect({ sent: test.stat('spans_sent'), flushed: test.stat('timer_flushed') }).toEqual({ sent: 7, flushed: 5 });
  });

  test('counts what becomes of reports as Envoy does', () => {
    const test = new TracerTest();
    test.runtime.set('tracing.zipkin.min_flush_spans', 1);
    for (const status of [202, 200, 503]) {
      test.report(1);
      test.answer(status);
    }
    for (const failure of ['no cluster', 'timeout', 'connection failure', 'response too large'] as const) {
      test.report(1);
      test.sent.at(-1)?.user.onFailure(failure, '');
    }
    const names = ['reports_sent', 'reports_dropped', 'reports_skipped_no_cluster', 'reports_failed', 'spans_sent'];
    expect(Object.fromEntries(names.map((name) => [name, test.stat(name)]))).toEqual({
      reports_sent: 1,
      reports_dropped: 4,
      reports_skipped_no_cluster: 1,
      reports_failed: 1,
      spans_sent: 7,
    });
  });

  test('gathers spans once many reports have left within a tenth of a second, until that is over', () => {
    const test = new TracerTest();
    for (let report = 0; report < 10; report++) {
      test.report(5);
      test.answer();
    }
    expect(test.sent).toHaveLength(10);
    test.report(99);
    expect(test.sent).toHaveLength(10);
    test.clock.advance(200);
    expect(test.sent).toHaveLength(11);
    expect(test.last()).toHaveLength(99);
    test.answer();
    test.report(5);
    expect(test.sent).toHaveLength(12);
  });

  test('gathers spans while a report is under way', () => {
    const test = new TracerTest();
    test.report(5);
    test.report(90);
    expect(test.sent).toHaveLength(1);
    test.answer();
    expect(test.last()).toHaveLength(90);
    test.answer();
    test.report(4);
    expect(test.sent).toHaveLength(2);
  });

  test('holds a bounded number of spans for a collector that does not answer, and counts the others', () => {
    const test = new TracerTest();
    const made = MAX_WAITING + 20_000;
    test.report(made);
    expect(test.sent).toHaveLength(MAX_IN_FLIGHT);
    test.clock.advance(60_000);
    expect(test.sent).toHaveLength(MAX_IN_FLIGHT);
    const reported = test.stat('spans_sent');
    expect(test.stat('spans_dropped')).toBe(made - reported - MAX_WAITING);
    test.answer(503);
    expect(test.sent).toHaveLength(MAX_IN_FLIGHT + 1);
    expect(test.last()).toHaveLength(MAX_REPORT);
  });

  test('holds a bounded amount of text, and sends it in pieces', () => {
    const test = new TracerTest();
    const size = 512 * 1024;
    test.report(200, 'x'.repeat(size));
    const held = test.stat('spans_sent') + MAX_WAITING_SIZE / size;
    expect(test.stat('spans_dropped')).toBeGreaterThan(200 - held - 2);
    expect(test.stat('spans_dropped')).toBeLessThan(200 - held + 2);
    test.answer();
    expect(test.sent).toHaveLength(MAX_IN_FLIGHT + 1);
    for (const { request } of test.sent) expect(request.body?.length).toBeLessThan(1024 * 1024 + size);
  });

  test('sends what is left when it is closed, and waits a second for the answer', async () => {
    const test = new TracerTest();
    test.report(3);
    let done = false;
    const closing = Promise.resolve(test.tracer.close?.()).then(() => {
      done = true;
    });
    expect(test.last()).toHaveLength(3);
    await test.clock.advanceAsync(999);
    expect(done).toBe(false);
    await test.clock.advanceAsync(1);
    await closing;
    expect(test.sent[0]?.cancelled).toBe(true);
    expect(test.clock.pending).toBe(0);
  });

  test('is closed as soon as the last report is answered, and takes nothing any more', async () => {
    const test = new TracerTest();
    test.report(3);
    const closing = test.tracer.close?.();
    test.answer();
    await closing;
    await test.tracer.close?.();
    expect(test.clock.pending).toBe(0);
    test.report(10);
    expect(test.sent).toHaveLength(1);
    expect(test.stat('spans_dropped')).toBe(10);
  });
});
