import { describe, expect, test } from 'vitest';
import { head, START_US, TracerTest, V2, type ZipkinInput } from './fixture.ts';
import { problems } from './fixtures/zipkin2-api.ts';

const T = '7ace000000000001';
const H = '4100000000000001';
const S = '5a00000000000001';
const P = '9a00000000000001';
const joined = { 'x-b3-traceid': T, 'x-b3-spanid': S, 'x-b3-parentspanid': P };
const ID = /^[\da-f]{16}$/;

interface Reported {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly kind: string;
  readonly shared?: boolean;
  readonly tags?: Readonly<Record<string, string>>;
}

/** One span from its begin to its report. */
function report(config: Partial<ZipkinInput> = {}, headers: Record<string, string> = {}, kind?: 'client'): Reported {
  const test = new TracerTest({ ...V2, ...config } as ZipkinInput);
  test.runtime.set('tracing.zipkin.min_flush_spans', 1);
  test.start(head(headers), kind)?.finish(START_US + 1);
  expect(problems(test.last())).toEqual([]);
  return test.last()[0] as Reported;
}

describe('ZipkinTracer', () => {
  test('begins a trace where there is none, named by its first span', () => {
    const { traceId, id, parentId, kind } = report();
    expect(traceId).toMatch(ID);
    expect({ id, parentId, kind }).toEqual({ id: traceId, parentId: undefined, kind: 'SERVER' });
  });

  test('makes trace ids of 128 bits that end with the first span', () => {
    const { traceId, id } = report({ traceId128bit: true });
    expect(traceId).toMatch(/^[\da-f]{32}$/);
    expect(traceId.slice(16)).toBe(id);
    expect(traceId.slice(0, 16)).not.toBe(id);
  });

  test('begins trace ids with the time if asked', () => {
    const seconds = (START_US / 1e6).toString(16);
    const short = report({ timestampTraceIds: true });
    expect(short.traceId).toMatch(new RegExp(`^${seconds}[\\da-f]{8}$`));
    expect(short.id).not.toBe(short.traceId);
    const long = report({ timestampTraceIds: true, traceId128bit: true });
    expect(long.traceId).toMatch(new RegExp(`^${seconds}[\\da-f]{8}${long.id}$`));
  });

  test('joins the span of the caller on the server side', () => {
    expect(report({}, joined)).toMatchObject({ traceId: T, id: S, parentId: P, shared: true });
  });

  test('begins a span below that of the caller on the client side', () => {
    const { id, ...rest } = report({}, joined, 'client');
    expect(rest).toMatchObject({ traceId: T, parentId: S, kind: 'CLIENT' });
    expect(rest.shared).toBeUndefined();
    expect(id).not.toBe(S);
  });

  test('begins a span below that of the caller when spans are not shared', () => {
    const { id, ...rest } = report({ sharedSpanContext: false }, joined);
    expect(rest).toMatchObject({ traceId: T, parentId: S, kind: 'SERVER' });
    expect(rest.shared).toBeUndefined();
    expect(id).not.toBe(S);
  });

  test('serves with server spans and calls with client spans when they are split, whatever it is told', () => {
    const test = new TracerTest({ ...V2, splitSpansForRequest: true });
    test.runtime.set('tracing.zipkin.min_flush_spans', 2);
    const span = test.start(head(joined), 'client');
    span?.startChild({ operation: 'call', startUs: START_US, kind: 'server' }).finish(START_US + 1);
    span?.finish(START_US + 2);
    expect(test.last()).toMatchObject([
      { kind: 'CLIENT', parentId: S, name: 'call' },
      { kind: 'SERVER', id: S, parentId: P },
    ]);
  });

  test('starts children in the same trace, with the decision of their parent', () => {
    const test = new TracerTest();
    const span = test.start(head({ 'x-b3-traceid': H + T, 'x-b3-spanid': S, 'x-b3-sampled': '0' }));
    const child = span?.startChild({ operation: 'call', startUs: START_US, kind: 'client' });
    expect(child).toMatchObject({ traceId: H + T, sampled: false, localDecision: false, parentId: S });
    expect(child?.spanId).not.toBe(S);
  });

  test.each([
    [{}, true, true, true],
    [{}, false, false, true],
    [{ 'x-b3-sampled': '1' }, false, true, false],
    [{ 'x-b3-sampled': '0' }, true, false, false],
    [{ b3: 'd' }, false, true, false],
    [joined, false, false, false],
    [joined, true, true, false],
  ])('decides about %j, itself for %j: sampled %j, its own decision %j', (headers, traced, sampled, local) => {
    expect(new TracerTest().start(head(headers), 'server', traced)).toMatchObject({ sampled, localDecision: local });
  });

  test('starts nothing for broken headers', () => {
    expect(new TracerTest().start(head({ b3: 'broken' }))).toBeUndefined();
  });

  test('takes ids that it is given: the trace id for new traces only', () => {
    const test = new TracerTest();
    const asked: unknown[] = [];
    const ids = (parent: unknown, sampled: boolean) => {
      asked.push([parent, sampled]);
      return { traceId: H + T, spanId: P };
    };
    const start = { operation: 'svc', startUs: START_US, kind: 'server', ids } as const;
    expect(test.tracer.startSpan(head(), start, false)).toMatchObject({ traceId: H + T, spanId: P, parentId: '' });
    const below = test.tracer.startSpan(head({ b3: `${T}-${S}-1` }), start, false);
    expect(below).toMatchObject({ traceId: T, spanId: P, parentId: S, joined: false });
    expect(below?.startChild({ ...start, ids: () => undefined })).toMatchObject({
      traceId: T,
      spanId: P,
      joined: true,
    });
    expect(asked).toMatchObject([
      [undefined, false],
      [{ traceId: T, spanId: S }, true],
    ]);
  });
});

describe('ZipkinSpan', () => {
  test('is reported once, with one value per tag and no empty one', () => {
    const test = new TracerTest();
    test.runtime.set('tracing.zipkin.min_flush_spans', 1);
    const span = test.start();
    span?.setTag('a', '1');
    span?.setTag('b', '');
    span?.setTag('', 'c');
    span?.setTag('a', '2');
    span?.finish(START_US + 5);
    span?.setTag('d', '4');
    span?.annotate(START_US + 1, 'late');
    span?.finish(START_US + 9);
    expect(test.sent).toHaveLength(1);
    expect(test.last()).toMatchObject([{ tags: { a: '2' }, duration: 5 }]);
  });

  test('is not reported unless it is sampled when it ends', () => {
    const test = new TracerTest();
    test.runtime.set('tracing.zipkin.min_flush_spans', 1);
    const dropped = test.start();
    dropped?.setSampled(false);
    dropped?.finish(START_US + 1);
    expect(test.sent).toHaveLength(0);
    const taken = test.start(head(), 'server', false);
    taken?.setTag('a', '1');
    taken?.setSampled(true);
    taken?.finish(START_US + 1);
    expect(test.last()).toMatchObject([{ tags: { a: '1' } }]);
  });

  test('lasts a microsecond at least, and has whole microseconds', () => {
    const test = new TracerTest();
    test.runtime.set('tracing.zipkin.min_flush_spans', 2);
    const start = { operation: '', startUs: START_US + 0.75, kind: 'server' } as const;
    test.tracer.startSpan(head(), start, true)?.finish(START_US - 10);
    test.tracer.startSpan(head(), start, true)?.finish(START_US + 3.5);
    expect(test.last()).toMatchObject([
      { timestamp: START_US, duration: 1 },
      { timestamp: START_US, duration: 3 },
    ]);
  });
});

describe('Ids', () => {
  test('are different', () => {
    const test = new TracerTest();
    const seen = new Set(Array.from({ length: 2000 }, () => test.start()?.spanId));
    expect(seen.size).toBe(2000);
  });
});
