/** The ids of spans in the form of OpenTelemetry. */
import type { SpanIds } from '@mesh/core';
import { type SpanContext, TraceFlags } from '@opentelemetry/api';

/** Trace ids have 32 digits there; a shorter one is the lower half of one. */
export function spanContext({ traceId, spanId }: SpanIds, sampled: boolean, isRemote = false): SpanContext {
  return {
    traceId: traceId.padStart(32, '0'),
    spanId,
    traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote,
  };
}

/** Random lower-case digits, never all zero. */
export function randomId(digits: 16 | 32, random: () => number): string {
  let id = '';
  while (id.length < digits) id += ((random() * 0x1_0000_0000) >>> 0).toString(16).padStart(8, '0');
  return /[1-9a-f]/.test(id) ? id : `${id.slice(1)}1`;
}
