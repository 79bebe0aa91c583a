/** Spans as Zipkin takes them: its model of today (`/api/v2/spans`) and that of 2018 (`/api/v1/spans`), read into the former. */

/** Where a span was recorded. */
export interface Endpoint {
  readonly serviceName?: string;
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly port?: number;
}

/** An event within a span. */
export interface Annotation {
  /** Unix microseconds. */
  readonly timestamp: number;
  readonly value: string;
}

/** A span of Zipkin's model v2. Times are microseconds. */
export interface Span {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly name?: string;
  readonly kind?: 'CLIENT' | 'SERVER' | 'PRODUCER' | 'CONSUMER';
  readonly timestamp?: number;
  readonly duration?: number;
  readonly localEndpoint?: Endpoint;
  readonly tags?: Readonly<Record<string, string>>;
  readonly annotations?: readonly Annotation[];
  /** The caller's span has the same id. */
  readonly shared?: boolean;
}

interface SpanV1 {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly name?: string;
  readonly timestamp?: number;
  readonly duration?: number;
  readonly annotations?: readonly (Annotation & { readonly endpoint?: Endpoint })[];
  readonly binaryAnnotations?: readonly {
    readonly key: string;
    readonly value: unknown;
    readonly endpoint?: Endpoint;
  }[];
}

/** Events of v1 that tell what v2 has in `kind`. */
const KINDS: Readonly<Record<string, 'CLIENT' | 'SERVER'>> = { cs: 'CLIENT', cr: 'CLIENT', sr: 'SERVER', ss: 'SERVER' };

const ID = /^[0-9a-f]{16}$/;
const TRACE_ID = /^(?:[0-9a-f]{16}){1,2}$/;

/**
 * Reads the body of a report.
 * @throws Error when it is not a list of spans.
 */
export function readSpans(version: 1 | 2, body: string): Span[] {
  const list = JSON.parse(body) as unknown;
  if (!Array.isArray(list)) throw new Error('not a list of spans');
  const spans = version === 1 ? list.flatMap((span) => fromV1(span as SpanV1)) : (list as Span[]);
  for (const span of spans) {
    if (!TRACE_ID.test(span.traceId) || !ID.test(span.id)) throw new Error('a span without ids');
  }
  return spans;
}

/** A span of v1 may hold both sides of a call: it becomes one span per side. */
function fromV1(span: SpanV1): Span[] {
  const { annotations = [], binaryAnnotations = [] } = span;
  const kinds = [...new Set(annotations.flatMap(({ value }) => KINDS[value] ?? []))].sort();
  const tags = Object.fromEntries(binaryAnnotations.map(({ key, value }) => [key, String(value)]));
  if (kinds.length === 0) return [side(span, undefined, tags)];
  return kinds.map((kind) => side(span, kind, tags));
}

function side(span: SpanV1, kind: Span['kind'], tags: Readonly<Record<string, string>>): Span {
  const { traceId, id, parentId, name, timestamp, duration, annotations = [], binaryAnnotations = [] } = span;
  const mine = annotations.filter(({ value }) => KINDS[value] === kind && kind !== undefined).sort(byTime);
  const [first, last] = [mine[0], mine.at(-1)];
  const startUs = timestamp ?? first?.timestamp;
  const durationUs =
    duration ?? (first === undefined || last === undefined ? undefined : last.timestamp - first.timestamp);
  const endpoint = first?.endpoint ?? binaryAnnotations[0]?.endpoint;
  const events = annotations.filter(({ value }) => KINDS[value] === undefined);
  // The side that joins tells no time of its own: the caller's is that of the span.
  const shared = kind === 'SERVER' && timestamp === undefined;
  return {
    traceId,
    id,
    ...(parentId === undefined ? {} : { parentId }),
    ...(name === undefined ? {} : { name }),
    ...(kind === undefined ? {} : { kind }),
    ...(startUs === undefined ? {} : { timestamp: startUs }),
    ...(durationUs === undefined ? {} : { duration: durationUs }),
    ...(endpoint === undefined ? {} : { localEndpoint: endpoint }),
    tags,
    annotations: events.map(({ timestamp: at, value }) => ({ timestamp: at, value })),
    ...(shared ? { shared } : {}),
  };
}

function byTime(a: Annotation, b: Annotation): number {
  return a.timestamp - b.timestamp;
}
