import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { afterEach, describe, expect, test } from 'vitest';
import { head, made, Sdk, START, START_US } from './fixture.ts';
import { openTelemetry } from './open-telemetry.ts';

const T = '41000000000000017ace000000000001';
const S = '5a00000000000001';

afterEach(() => Sdk.remove());

describe('openTelemetry', () => {
  test('gives the SDK a span with tags, events, times and status', () => {
    const sdk = new Sdk();
    const span = made(openTelemetry()).startSpan(head(), START, true);
    span?.setOperation('named');
    span?.setTag('http.method', 'GET');
    span?.setTag('', 'nothing');
    span?.setTag('empty', '');
    span?.setTag('error', 'true');
    span?.annotate(START_US + 10, 'event');
    span?.finish(START_US + 1_000_250);
    span?.finish(START_US + 2_000_000);
    expect(sdk.spans).toHaveLength(1);
    const [exported] = sdk.spans;
    const seconds = START_US / 1e6;
    expect(exported).toMatchObject({
      name: 'named',
      kind: SpanKind.SERVER,
      attributes: { 'http.method': 'GET', error: 'true' },
      status: { code: SpanStatusCode.ERROR },
      startTime: [seconds, 500],
      endTime: [seconds + 1, 250_000],
      instrumentationScope: { name: '@mesh/core' },
    });
    expect(exported?.events).toMatchObject([{ name: 'event', time: [seconds, 10_000] }]);
    expect(Object.keys(exported?.attributes ?? {})).toEqual(['http.method', 'error']);
    expect(span).toMatchObject({ ...ids(exported), sampled: true, localDecision: true });
  });

  test('continues the trace of the caller by the propagator of the application, and hands it on', () => {
    const sdk = new Sdk();
    const span = made(openTelemetry()).startSpan(head({ traceparent: `00-${T}-${S}-01` }), START, false);
    expect(span).toMatchObject({ traceId: T, sampled: true, localDecision: false });
    const child = span?.startChild({ ...START, operation: 'call', kind: 'client' });
    const onward = head();
    child?.inject(onward);
    expect(onward.get('traceparent')).toBe(`00-${T}-${child?.spanId}-01`);
    child?.finish(START_US + 2);
    span?.finish(START_US + 3);
    expect(sdk.spans).toMatchObject([
      { name: 'call', kind: SpanKind.CLIENT, parentSpanContext: { spanId: span?.spanId } },
      { name: 'svc', parentSpanContext: { spanId: S, isRemote: true } },
    ]);
  });

  test.each([
    ['the proxy', {}, false],
    ['the caller', { traceparent: `00-${T}-${S}-00` }, true],
  ])('records nothing that %s does not want, and tells those behind', (_who, headers, traced) => {
    const sdk = new Sdk();
    const span = made(openTelemetry()).startSpan(head(headers), START, traced);
    const child = span?.startChild(START);
    const onward = head();
    child?.inject(onward);
    expect(onward.get('traceparent')).toMatch(new RegExp(`^00-${span?.traceId}-\\w{16}-00$`));
    child?.finish(START_US + 1);
    span?.finish(START_US + 1);
    expect(sdk.spans).toEqual([]);
  });

  test('records a span whose sampling is decided late, with what it was told before', () => {
    const sdk = new Sdk();
    const span = made(openTelemetry()).startSpan(head(), START, false);
    span?.setTag('a', '1');
    span?.setSampled(true);
    span?.finish(START_US + 1);
    expect(sdk.spans).toMatchObject([{ name: 'svc', attributes: { a: '1' } }]);
  });

  test('exports no span that is given up late', () => {
    const sdk = new Sdk();
    const span = made(openTelemetry()).startSpan(head(), START, true);
    span?.setSampled(false);
    const onward = head();
    span?.inject(onward);
    span?.finish(START_US + 1);
    expect(onward.get('traceparent')).toMatch(/-00$/);
    expect(sdk.spans).toEqual([]);
  });

  test('takes back that a span is given up, unless the SDK does not want it', () => {
    const sdk = new Sdk();
    const span = made(openTelemetry()).startSpan(head(), START, true);
    span?.setSampled(false);
    span?.setSampled(true);
    span?.finish(START_US + 1);
    expect(sdk.spans).toHaveLength(1);
    Sdk.remove();
    new Sdk({ off: true });
    const refused = made(openTelemetry()).startSpan(head(), START, true);
    refused?.setSampled(true);
    const late = made(openTelemetry()).startSpan(head(), START, false);
    late?.setSampled(true);
    expect([refused?.sampled, late?.sampled]).toEqual([false, false]);
    const onward = head();
    refused?.inject(onward);
    expect(onward.get('traceparent')).toMatch(/-00$/);
  });

  test('makes its span the active one, also behind an await', async () => {
    const sdk = new Sdk();
    const tracer = made(openTelemetry());
    const span = tracer.startSpan(head(), START, true);
    const hook = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      trace.getTracer('app').startSpan('work').end();
      const outgoing: Record<string, string> = {};
      propagation.inject(context.active(), outgoing);
      return outgoing.traceparent;
    };
    expect(await tracer.within?.(span!, hook)).toBe(`00-${span?.traceId}-${span?.spanId}-01`);
    expect(sdk.spans).toMatchObject([{ name: 'work', parentSpanContext: { spanId: span?.spanId } }]);
    expect(trace.getActiveSpan()).toBeUndefined();
  });

  test('does nothing without an SDK', () => {
    const tracer = made(openTelemetry());
    expect(tracer.startSpan(head({ traceparent: `00-${T}-${S}-01` }), START, true)).toBeUndefined();
  });
});

function ids(span: { spanContext(): { traceId: string; spanId: string } } | undefined) {
  const { traceId, spanId } = span?.spanContext() ?? {};
  return { traceId, spanId };
}
