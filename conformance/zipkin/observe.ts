/** Plays the cases against a proxy and tells what came of each, with ids that do not change from run to run. */
import { casesOf, idsOf } from './cases.ts';
import type { Arrived, Recorder, Report } from './collector.ts';
import type { Variant } from './variants.ts';

/** A span of Zipkin's version 2. */
export interface ZipkinSpan {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly name?: string;
  readonly kind?: string;
  readonly timestamp?: number;
  readonly duration?: number;
  readonly shared?: boolean;
  readonly localEndpoint?: Readonly<Record<string, unknown>>;
  readonly annotations?: readonly { readonly timestamp: number; readonly value: string }[];
  readonly tags?: Readonly<Record<string, string>>;
}

/** What came of a case. */
export interface Observed {
  /** Fields of the trace context as the upstream got them. */
  readonly upstream: Readonly<Record<string, string>>;
  readonly spans: readonly Readonly<Record<string, unknown>>[];
}

/** Observations by `variant/case`. */
export type Observations = Readonly<Record<string, Observed>>;

/** Tags whose values are the same from run to run. */
const VALUES = [
  'component',
  'downstream_cluster',
  'header',
  'http.method',
  'http.protocol',
  'http.status_code',
  'literal',
  'node_id',
  'request_size',
  'response_flags',
  'response_size',
  'upstream_cluster',
  'upstream_cluster.name',
  'zone',
];

const CONTEXT = /^(?:b3|x-b3-.*|traceparent|tracestate)$/;

/** Sends its cases to every variant. */
export async function observe(
  variants: readonly Variant[],
  port: (variant: string) => number,
  servers: { readonly collector: Recorder<Report>; readonly upstream: Recorder<Arrived> },
): Promise<Observations> {
  const { collector, upstream } = servers;
  upstream.items.length = 0;
  collector.items.length = 0;
  for (const variant of variants) {
    await Promise.all(
      casesOf(variant).map((each) => ask(port(variant.name), `/${variant.name}/${each.name}`, each.headers)),
    );
  }
  await quiet(collector);
  const reported = spansByVariant(collector.items);
  const all: Record<string, Observed> = {};
  for (const variant of variants) {
    for (const each of casesOf(variant)) {
      const arrived = upstream.items.find(({ path }) => path === `/${variant.name}/${each.name}`);
      all[`${variant.name}/${each.name}`] = outcome(arrived, reported.get(variant.name) ?? [], each.index);
    }
  }
  return all;
}

async function ask(port: number, path: string, headers: Readonly<Record<string, string>>): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
  await response.arrayBuffer();
}

/** Until nothing has been reported for a while: there is no telling from outside whether more will come. */
async function quiet(collector: Recorder<Report>): Promise<void> {
  for (let seen = -1, silent = 0; silent < 3; silent++) {
    if (seen !== collector.items.length) silent = 0;
    seen = collector.items.length;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function spansByVariant(reports: readonly Report[]): Map<string, ZipkinSpan[]> {
  const by = new Map<string, ZipkinSpan[]>();
  for (const { path, body } of reports) {
    const spans = by.get(path.slice(1)) ?? [];
    spans.push(...(JSON.parse(body.toString()) as ZipkinSpan[]));
    by.set(path.slice(1), spans);
  }
  return by;
}

function outcome(arrived: Arrived | undefined, spans: readonly ZipkinSpan[], index: number): Observed {
  const label = labels(index);
  const context = Object.entries(arrived?.headers ?? {}).filter(([name]) => CONTEXT.test(name));
  const upstream = Object.fromEntries(
    context.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => [name, label(value)]),
  );
  const url = `http://`;
  const own = spans.filter(
    ({ tags }) => tags?.['http.url']?.startsWith(url) && tags['http.url'].endsWith(arrived?.path ?? '\n'),
  );
  // A span for the upstream is the one whose ids went there.
  const trace = own[0]?.traceId;
  const sent = arrived?.headers.b3?.split('-')[1] ?? arrived?.headers['x-b3-spanid'];
  const related = [
    ...own,
    ...spans.filter((span) => !own.includes(span) && span.traceId === trace && span.id === sent),
  ];
  return { upstream, spans: related.map((span) => brief(span, label)) };
}

function brief(span: ZipkinSpan, label: (text: string) => string) {
  const { traceId, id, parentId, name, timestamp, duration, localEndpoint, tags, annotations, ...rest } = span;
  return {
    traceId: label(traceId),
    id: label(id),
    parentId: parentId === undefined ? undefined : label(parentId),
    name: name?.replace(/:\d+$/, ''),
    timestamp: typeof timestamp,
    duration: typeof duration,
    localEndpoint: Object.keys(localEndpoint ?? {})
      .sort()
      .join(),
    service: localEndpoint?.serviceName,
    tags: Object.entries(tags ?? {})
      .map(([tag, value]) => (VALUES.includes(tag) ? `${tag}=${label(value)}` : tag))
      .sort()
      .join(),
    annotations: annotations?.map(({ value }) => value).join(),
    ...rest,
  };
}

/** Ids that the case has sent keep their letters; others get numbers in the order in which they are met. */
function labels(index: number): (text: string) => string {
  const { t, h, s, p } = idsOf(index);
  const known = new Map([
    [t as string, '<t>'],
    [h as string, '<h>'],
    [s as string, '<s>'],
    [p as string, '<p>'],
    ['0000000000000000', '<0>'],
  ]);
  return (text) =>
    text.replace(/[\da-f]{16}/g, (id) => {
      if (!known.has(id)) known.set(id, /^(?:abcdef[07]|a{16}|b{16}|0{6})/.test(id) ? id : `<new${known.size - 4}>`);
      return known.get(id) as string;
    });
}
