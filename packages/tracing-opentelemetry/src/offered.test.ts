import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import { afterEach, describe, expect, test } from 'vitest';
import { head, made, type PlainSpan, plain, Sdk, START, START_US, started } from './fixture.ts';
import { offered } from './offered.ts';

const T = '7ace000000000001';
const H = '4100000000000001';
const S = '5a00000000000001';
const NO_SPAN = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 };
const tracer = () => made(offered(plain('')));

afterEach(() => {
  Sdk.remove();
  started.length = 0;
});

describe('offered', () => {
  test('gives the SDK the span of the inner tracer, with the same ids, and both what is told', () => {
    const sdk = new Sdk();
    const span = tracer().startSpan(head(), START, true);
    span?.setOperation('named');
    span?.setTag('http.method', 'GET');
    span?.annotate(START_US + 10, 'event');
    span?.finish(START_US + 250);
    span?.finish(START_US + 300);
    const [inner] = started as [PlainSpan];
    expect(sdk.spans).toMatchObject([
      { name: 'named', kind: SpanKind.SERVER, attributes: { 'http.method': 'GET' }, events: [{ name: 'event' }] },
    ]);
    expect(sdk.spans[0]?.spanContext()).toMatchObject({ traceId: inner.traceId, spanId: inner.spanId });
    expect(inner.calls).toEqual([
      ['setOperation', 'named'],
      ['setTag', 'http.method', 'GET'],
      ['annotate', START_US + 10, 'event'],
      ['finish', START_US + 250],
    ]);
    expect(span).toMatchObject({ traceId: inner.traceId, spanId: inner.spanId, sampled: true, localDecision: true });
  });

  test.each([
    ['of 64 bits', T, `0000000000000000${T}`],
    ['of 128 bits', H + T, H + T],
  ])('stands below the caller that the inner tracer reads, in a trace %s', (_what, traceId, otel) => {
    const sdk = new Sdk();
    const span = tracer().startSpan(head({ 'x-parent': `${traceId}-${S}` }), START, true);
    const child = span?.startChild({ ...START, operation: 'call', kind: 'client' });
    const onward = head();
    child?.inject(onward);
    child?.finish(START_US + 1);
    span?.finish(START_US + 2);
    const [parent, below] = started as [PlainSpan, PlainSpan];
    expect([parent.traceId, parent.parentId, below.parentId]).toEqual([traceId, S, parent.spanId]);
    expect(onward.get('x-span')).toBe(below.spanId);
    expect(sdk.spans).toMatchObject([
      { name: 'call', kind: SpanKind.CLIENT, parentSpanContext: { traceId: otel, spanId: parent.spanId } },
      { name: 'svc', parentSpanContext: { traceId: otel, spanId: S, isRemote: true } },
    ]);
    expect(sdk.spans.map((each) => each.spanContext().spanId)).toEqual([below.spanId, parent.spanId]);
  });

  test('makes the span the active one, so that a call made in it is below it', async () => {
    const sdk = new Sdk();
    const both = tracer();
    const span = both.startSpan(head(), START, true);
    const outgoing: Record<string, string> = {};
    await both.within?.(span!, async () => {
      await null;
      propagation.inject(context.active(), outgoing);
      trace.getTracer('app').startSpan('work').end();
    });
    expect(outgoing.traceparent).toBe(`00-${span?.traceId}-${span?.spanId}-01`);
    expect(sdk.spans).toMatchObject([{ name: 'work', parentSpanContext: { spanId: span?.spanId } }]);
  });

  test('records nothing that is not sampled, and says so to calls that are made in it', () => {
    const sdk = new Sdk();
    const both = tracer();
    const span = both.startSpan(head({ 'x-parent': `${T}-${S}` }), START, false);
    const outgoing: Record<string, string> = {};
    both.within?.(span!, () => propagation.inject(context.active(), outgoing));
    expect(outgoing.traceparent).toBe(`00-0000000000000000${T}-${span?.spanId}-00`);
    span?.startChild(START).finish(START_US + 1);
    span?.finish(START_US + 1);
    expect(sdk.spans).toEqual([]);
    expect(started).toHaveLength(2);
  });

  test('exports no span that is given up late', () => {
    const sdk = new Sdk();
    const both = tracer();
    const span = both.startSpan(head(), START, true);
    span?.setSampled(false);
    const outgoing: Record<string, string> = {};
    both.within?.(span!, () => propagation.inject(context.active(), outgoing));
    span?.finish(START_US + 1);
    expect(outgoing.traceparent).toMatch(/-00$/);
    expect(sdk.spans).toEqual([]);
    expect(started[0]).toMatchObject({ sampled: false });
  });

  test('keeps the ids the same when the SDK samples fewer', () => {
    const sdk = new Sdk({ off: true });
    const both = tracer();
    const span = both.startSpan(head(), START, true);
    const active = both.within?.(span!, () => trace.getSpanContext(context.active()));
    expect(active).toMatchObject({ traceId: span?.traceId, spanId: span?.spanId });
    span?.finish(START_US + 1);
    expect(sdk.spans).toEqual([]);
    expect(started[0]?.calls).toEqual([['finish', START_US + 1]]);
  });

  test('starts nothing where the inner tracer starts nothing', () => {
    new Sdk();
    expect(tracer().startSpan(head({ 'x-parent': 'broken' }), START, true)).toBeUndefined();
  });

  test('is the inner tracer alone without an SDK', () => {
    const both = tracer();
    const span = both.startSpan(head({ 'x-parent': `${T}-${S}` }), START, true);
    const child = span?.startChild(START);
    expect(started).toEqual([span, child]);
    expect(both.within?.(span!, () => 'run')).toBe('run');
    child?.finish(START_US + 1);
    expect(started[1]?.calls).toEqual([['finish', START_US + 1]]);
  });

  test('finds an SDK that is registered late', () => {
    const both = tracer();
    both.startSpan(head(), START, true)?.finish(START_US + 1);
    const sdk = new Sdk();
    both.startSpan(head(), START, true)?.finish(START_US + 1);
    expect(sdk.spans).toHaveLength(1);
  });

  test('keeps its own ids when an SDK gives none', () => {
    trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: () => trace.wrapSpanContext(NO_SPAN) }) as never });
    const span = tracer().startSpan(head({ 'x-parent': `${T}-${S}` }), START, true);
    expect(span).toMatchObject({ traceId: T, spanId: '00000000000000bb' });
    span?.finish(START_US + 1);
    expect(started[0]?.calls).toEqual([['finish', START_US + 1]]);
  });

  test('is one for all uses of a definition', () => {
    expect(offered(plain(''))).not.toBe(offered(plain('')));
    expect(offered(plain('')).definition).toBe(offered(plain('')).definition);
  });

  test('wraps a definition for YAML as well, under its name', () => {
    const { kind, name, typeUrl } = offered(plain);
    expect({ kind, name, typeUrl }).toEqual({ kind: 'tracer', name: 'test.plain', typeUrl: undefined });
  });

  test('closes the inner tracer', async () => {
    const both = tracer();
    both.startSpan(head(), START, true);
    await both.close?.();
    expect(started).toEqual([]);
  });
});
