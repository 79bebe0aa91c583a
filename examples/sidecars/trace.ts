/** The trace of `/trace/1`: where it is read from, and what it has to be. */
import { Collector } from './collector/server.ts';
import type { Span } from './collector/spans.ts';
import { type SpanNode, treeLines, treeOf } from './collector/tree.ts';

/** What takes the spans. */
export interface TraceStore {
  /** Where its page is. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** The spans of a trace so far. */
  spans(traceId: string): Promise<readonly Span[]>;
  close(): void;
}

/** The Zipkin at `ZIPKIN_URL`, or a collector of the demo's own on the given port (0: any). */
export async function openTraceStore(port: number, url = process.env.ZIPKIN_URL): Promise<TraceStore> {
  if (url === undefined || url === '') {
    const collector = new Collector();
    const own = await collector.listen(port);
    const at = `http://127.0.0.1:${own}/`;
    return {
      url: at,
      host: '127.0.0.1',
      port: own,
      spans: async (id) => collector.trace(id),
      close: () => collector.close(),
    };
  }
  const { hostname, port: given, origin } = new URL(url);
  return {
    url,
    host: hostname,
    port: Number(given || '80'),
    spans: async (id) => {
      const answer = await fetch(`${origin}/api/v2/trace/${id}`);
      return answer.ok ? ((await answer.json()) as Span[]) : [];
    },
    close: () => {},
  };
}

/** Who calls whom for `/trace/1`, outermost first. */
const CHAIN = [
  ['front-proxy', 'CLIENT'],
  ['service1', 'SERVER'],
  ['service1', 'CLIENT'],
  ['service2', 'SERVER'],
] as const;

const LIMIT_MS = 15_000;

/** Waits for the trace, prints it parent by parent, and says whether it is right. */
export async function showTrace(store: TraceStore, traceId: string): Promise<boolean> {
  const endMs = performance.now() + LIMIT_MS;
  let spans = await store.spans(traceId);
  while (spans.length < CHAIN.length && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    spans = await store.spans(traceId);
  }
  const roots = treeOf(spans);
  const wrong = wrongIn(roots, traceId);
  console.log(`trace ${traceId}: ${spans.length} spans\n${treeLines(roots).join('\n')}`);
  for (const line of wrong) console.log(`^^^ NOT WHAT WAS EXPECTED: ${line}`);
  console.log('');
  return wrong.length === 0;
}

/** What is not as it should be, in words; nothing when all is right. */
export function wrongIn(roots: readonly SpanNode[], traceId: string): string[] {
  const chain = chainOf(roots);
  const seen = chain.map(({ localEndpoint, kind }) => `${localEndpoint?.serviceName} ${kind}`).join(' > ');
  const expected = CHAIN.map((pair) => pair.join(' ')).join(' > ');
  if (seen !== expected) return [`one below the other should be ${expected}; there is ${seen}`];
  const [front, first, egress, second] = chain as [Span, Span, Span, Span];
  const ids = new Set(chain.map(({ tags = {} }) => tags['guid:x-request-id']));
  const rules: readonly (readonly [string, boolean])[] = [
    ['all spans are of one trace', chain.every((span) => span.traceId === traceId)],
    ['the first span has no parent', front.parentId === undefined],
    ['the sidecar of service 1 joins the span of the front proxy', first.id === front.id],
    ['the call of service 1 is below that', egress.parentId === front.id && egress.id !== front.id],
    ['the sidecar of service 2 joins the span of that call', second.id === egress.id],
    ['all of it is one request', ids.size === 1 && !ids.has(undefined)],
    ['every span tells the status', chain.every(({ tags = {} }) => tags['http.status_code'] === '200')],
    ['every span has a duration', chain.every(({ duration = 0 }) => duration > 0)],
  ];
  return rules.filter(([, holds]) => !holds).map(([rule]) => rule);
}

/** The spans from the root down, as long as each has one below it. */
function chainOf(nodes: readonly SpanNode[]): Span[] {
  const [only] = nodes;
  return nodes.length === 1 && only !== undefined ? [only.span, ...chainOf(only.children)] : [];
}
