/** Writes a span's context into the head of a request. */
import type { RequestHeaders } from '@mesh/core';

/** What is told of a span. */
export interface Carried {
  readonly traceId: string;
  readonly spanId: string;
  /** '' without one. */
  readonly parentId: string;
  readonly sampled: boolean;
}

/**
 * In the form that the request has: a head with `b3` keeps that one header, any other gets `x-b3-…`. What has come in
 * the other form is left alone. With `w3c` there is a `traceparent` as well; `tracestate` stays as it is.
 */
export function inject(span: Carried, headers: RequestHeaders, w3c: boolean): void {
  const { parentId, sampled, spanId, traceId } = span;
  if (headers.has('b3')) {
    const parent = parentId === '' ? '' : `-${parentId}`;
    headers.set('b3', `${traceId}-${spanId}-${sampled ? '1' : '0'}${parent}`);
  } else {
    headers.set('x-b3-traceid', traceId);
    headers.set('x-b3-spanid', spanId);
    if (parentId !== '') headers.set('x-b3-parentspanid', parentId);
    headers.set('x-b3-sampled', sampled ? '1' : '0');
  }
  if (!w3c) return;
  const trace = traceId.length === 32 ? traceId : `0000000000000000${traceId}`;
  headers.set('traceparent', `00-${trace}-${spanId}-${sampled ? '01' : '00'}`);
}
