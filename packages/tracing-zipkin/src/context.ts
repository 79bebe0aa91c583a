/** What a request's headers tell of the trace that it belongs to: B3 in one header or several, and W3C if asked. */
import type { Headers } from '@mesh/core';
import { id64, isZero, traceId } from './hex.ts';

/** A trace context as it came. */
export class TraceContext {
  /** 16 or 32 digits; '' when there is only a decision, or nothing at all. */
  readonly traceId: string;
  readonly spanId: string;
  /** '' without one. */
  readonly parentId: string;
  /** What the headers decide; `undefined` leaves it to this proxy. */
  readonly sampled: boolean | undefined;

  constructor(traceId: string, spanId: string, parentId: string, sampled: boolean | undefined) {
    this.traceId = traceId;
    this.spanId = spanId;
    this.parentId = parentId;
    this.sampled = sampled;
  }
}

const NONE = new TraceContext('', '', '', undefined);
const ACCEPT = new TraceContext('', '', '', true);
const DENY = new TraceContext('', '', '', false);
const ID = 16;
/** `<trace 32>-<span 16>-<flag>-<parent 16>`. */
const SINGLE_MAX = 2 * ID + 1 + ID + 2 + 1 + ID;

/** Reads the context; `undefined` when there is one and it is broken. `b3` alone counts where it is there. Never throws. */
export function extract(headers: Headers, w3c: boolean): TraceContext | undefined {
  const single = headers.get('b3');
  if (single !== undefined) return fromSingle(single);
  const several = headers.hasPrefix('x-b3-') ? fromSeveral(headers) : NONE;
  if (!w3c || several === undefined || several.traceId !== '') return several;
  const parent = headers.get('traceparent');
  return (parent === undefined ? undefined : fromTraceparent(parent, several.sampled)) ?? several;
}

function fromSeveral(headers: Headers): TraceContext | undefined {
  const sampled = headers.get('x-b3-sampled');
  // `true` is what some older tracers say; whatever else is there is a no.
  const decision = sampled === undefined ? undefined : sampled === '1' || sampled === 'true';
  const trace = headers.get('x-b3-traceid');
  const span = headers.get('x-b3-spanid');
  if (trace === undefined || span === undefined) {
    return decision === undefined ? NONE : decision ? ACCEPT : DENY;
  }
  return build(traceId(trace), id64(span), headers.get('x-b3-parentspanid') || undefined, decision);
}

function build(
  trace: string | undefined,
  span: string | undefined,
  parentText: string | undefined,
  sampled: boolean | undefined,
): TraceContext | undefined {
  const parent = parentText === undefined ? '' : id64(parentText);
  if (trace === undefined || span === undefined || parent === undefined) return undefined;
  return new TraceContext(trace, span, isZero(parent) ? '' : parent, sampled);
}

/** `0`, `1`, `d`, or `<trace>-<span>[-<flag>[-<parent>]]`. */
function fromSingle(text: string): TraceContext | undefined {
  const { length } = text;
  if (length === 1) return text === '0' ? DENY : isFlag(text) ? ACCEPT : undefined;
  if (length < ID + 1 + ID || length > SINGLE_MAX) return undefined;
  const traceEnd = text[2 * ID] === '-' ? 2 * ID : ID;
  const spanEnd = traceEnd + 1 + ID;
  if (text[traceEnd] !== '-') return undefined;
  const trace = traceId(text.slice(0, traceEnd));
  const span = id64(text.slice(traceEnd + 1, spanEnd));
  if (length === spanEnd) return build(trace, span, undefined, undefined);
  const flag = text[spanEnd + 1];
  if (text[spanEnd] !== '-' || flag === undefined || !isFlag(flag)) return undefined;
  const sampled = flag !== '0';
  if (length === spanEnd + 2) return build(trace, span, undefined, sampled);
  const whole = text[spanEnd + 2] === '-' && length === spanEnd + 3 + ID;
  return whole ? build(trace, span, text.slice(spanEnd + 3), sampled) : undefined;
}

function isFlag(flag: string): boolean {
  return flag === '1' || flag === '0' || flag === 'd';
}

const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/i;

/**
 * W3C Trace Context 3.2. A broken one is none. What it and `x-b3-sampled` say of sampling is joined with "or", and its
 * span is the parent: a span has no parent of its own there.
 */
function fromTraceparent(text: string, sampled: boolean | undefined): TraceContext | undefined {
  const [, trace = '', span = '', flags = ''] = TRACEPARENT.exec(text) ?? [];
  if (trace === '' || /^0+$/.test(trace) || /^0+$/.test(span)) return undefined;
  const decided = (Number.parseInt(flags, 16) & 1) === 1 || sampled === true;
  return new TraceContext(traceId(trace) as string, span.toLowerCase(), '', decided);
}
