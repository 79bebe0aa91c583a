/** Envoy's `CustomTag`, compiled: values for spans and log entries that configuration, requests and metadata give. */
import type { LogSubject } from '../api/access-log.ts';
import type { SpanTag } from '../api/tracing.ts';
import { wireText } from '../regex/wire-text.ts';
import { compileFormat } from './format.ts';
import { valueText } from './value.ts';

/** What a tag is compiled from: the shape of Envoy's `CustomTag` after parsing. One of the sources is given. */
export interface CustomTagSettings {
  readonly tag: string;
  readonly literal?: { readonly value: string };
  readonly environment?: { readonly name: string; readonly defaultValue: string };
  readonly requestHeader?: { readonly name: string; readonly defaultValue: string };
  readonly metadata?: {
    readonly kind?: { readonly [kind in 'request' | 'route' | 'cluster' | 'host']?: object };
    readonly metadataKey?: { readonly key: string; readonly path: readonly { readonly key: string }[] };
    readonly defaultValue: string;
  };
  /** A format. */
  readonly value?: string;
}

/** Compiles tags; of two with one name the first counts, as in Envoy. @throws SyntaxError for a bad format. */
export function compileCustomTags(settings: readonly CustomTagSettings[]): readonly SpanTag[] {
  const seen = new Set<string>();
  return settings.flatMap((each) => {
    if (seen.has(each.tag)) return [];
    seen.add(each.tag);
    return [{ name: each.tag, value: tagValue(each) }];
  });
}

function tagValue({ literal, environment, requestHeader, metadata, value }: CustomTagSettings): SpanTag['value'] {
  if (literal !== undefined) return fixed(literal.value);
  // Read once, when the configuration comes.
  if (environment !== undefined) return fixed(process.env[environment.name] ?? environment.defaultValue);
  if (requestHeader !== undefined) {
    const { defaultValue } = requestHeader;
    const name = requestHeader.name.toLowerCase();
    return ({ requestHeaders }) => requestHeaders.get(name) ?? defaultValue;
  }
  if (metadata !== undefined) return metadataValue(metadata);
  const format = compileFormat(value ?? '');
  return (subject) => format.format(subject);
}

function fixed(text: string): SpanTag['value'] {
  const wire = wireText(text);
  return () => wire;
}

function metadataValue(settings: NonNullable<CustomTagSettings['metadata']>): SpanTag['value'] {
  const { metadataKey, defaultValue } = settings;
  const missing = wireText(defaultValue);
  const source = metadataSource(settings.kind ?? {});
  if (source === undefined || metadataKey === undefined) return () => missing;
  const path = metadataKey.path.map(({ key }) => key);
  return (subject) => {
    let value = source(subject, metadataKey.key);
    for (let i = 0; i < path.length; i++) value = member(value, path[i] as string);
    return metadataText(value) ?? missing;
  };
}

type Source = (subject: LogSubject, namespace: string) => unknown;
type Holder = { readonly metadata?: Readonly<Record<string, unknown>> | undefined } | undefined;

function metadataSource(kind: NonNullable<NonNullable<CustomTagSettings['metadata']>['kind']>): Source | undefined {
  if (kind.request !== undefined) return ({ info }, namespace) => info.metadata.get(namespace);
  if (kind.route !== undefined) return ({ route }, namespace) => member(route?.metadata, namespace);
  if (kind.host !== undefined)
    return ({ info }, namespace) => member((info.upstreamHost as Holder)?.metadata, namespace);
  if (kind.cluster === undefined) return undefined;
  return ({ clusters, info }, namespace) => {
    // As in Envoy the cluster is known by its host.
    const found = info.upstreamHost && (clusters.get(info.upstreamCluster) as Holder);
    return member(found?.metadata, namespace);
  };
}

function member(value: unknown, key: string): unknown {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key);
  return isMap ? (value as Record<string, unknown>)[key] : undefined;
}

function metadataText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number') return shortNumber(value);
  return typeof value === 'string' ? wireText(value) : valueText(value as object | boolean);
}

/** C's `%g`: six significant digits. */
function shortNumber(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const [mantissa = '', exponent = '0'] = value.toExponential(5).split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(Number(value.toPrecision(6)));
  const digits = String(Math.abs(power)).padStart(2, '0');
  return `${Number(mantissa)}e${power < 0 ? '-' : '+'}${digits}`;
}
