/** Commands that print structured data: metadata, filter state. */
import type { LogSubject } from '../../api/access-log.ts';
import { wireText } from '../../regex/wire-text.ts';
import type { FormatValue, Operator, OperatorSpec, OperatorTable } from '../operator.ts';
import { truncated } from '../operator.ts';
import { wireValue } from '../value.ts';

type Namespaces = Readonly<Record<string, unknown>> | undefined;
type MetadataSource = (stream: LogSubject, namespace: string) => unknown;

function own(record: unknown, key: string): unknown {
  if (typeof record !== 'object' || record === null || !Object.hasOwn(record, key)) return undefined;
  return (record as Readonly<Record<string, unknown>>)[key];
}

const dynamic: MetadataSource = ({ info }, namespace) => info.metadata.get(namespace);
const route: MetadataSource = (stream, namespace) => own(stream.route?.metadata, namespace);
const upstreamHost: MetadataSource = ({ info }, namespace) =>
  own((info.upstreamHost as { readonly metadata?: Namespaces } | undefined)?.metadata, namespace);
const cluster: MetadataSource = (stream, namespace) => {
  const { upstreamCluster } = stream.info;
  if (upstreamCluster === '') return undefined;
  const found = stream.clusters.get(upstreamCluster) as { readonly metadata?: Namespaces } | undefined;
  return own(found?.metadata, namespace);
};
/** Metadata that streams do not lead to. */
const nothing: MetadataSource = () => undefined;

const SOURCES: Readonly<Record<string, MetadataSource>> = {
  DYNAMIC: dynamic,
  ROUTE: route,
  CLUSTER: cluster,
  UPSTREAM_HOST: upstreamHost,
  VIRTUAL_HOST: nothing,
  LISTENER: nothing,
  LISTENER_FILTER_CHAIN: nothing,
};

/** `NS:KEY…`: the value below one namespace, or the namespace whole. */
function at(source: MetadataSource, path: readonly string[], length: number | undefined): Operator {
  const [namespace = '', ...keys] = path;
  return (stream) => {
    let value: unknown = source(stream, namespace);
    for (const key of keys) value = own(value, key);
    // A null in metadata counts as no value.
    if (value === undefined || value === null) return undefined;
    return cut(wireValue(value as FormatValue), length);
  };
}

/** Only a text is cut in itself; what else there is, is cut when it is printed. */
function cut(value: FormatValue, length: number | undefined): FormatValue {
  return typeof value === 'string' ? truncated(value, length) : value;
}

function metadata(source: MetadataSource): OperatorSpec {
  return { params: 'required', length: true, make: (argument, length) => at(source, argument.split(':'), length) };
}

/** `METADATA(TYPE:NS:KEY…):N`. */
const typedMetadata: OperatorSpec = {
  params: 'optional',
  length: true,
  make(argument, length) {
    const [type = '', ...path] = argument.split(':');
    const source = Object.hasOwn(SOURCES, type) ? SOURCES[type] : undefined;
    if (source === undefined) throw new SyntaxError(`${type} is not supported type of metadata`);
    return at(source, path, length);
  },
};

/** `FILTER_STATE(KEY:PLAIN|TYPED|FIELD:FIELD):N`. Values here are plain JavaScript values, printed as JSON when TYPED. */
function filterState(find: (stream: LogSubject, key: string) => unknown): OperatorSpec {
  return {
    params: 'optional',
    length: true,
    make(argument, length) {
      const [key = '', form = '', field = ''] = argument.split(':');
      checkFilterState(key, form, field);
      return (stream) => {
        const value = find(stream, key);
        if (value === undefined || value === null) return undefined;
        if (form === 'FIELD') return scalarText(own(value, field), length);
        if (form === 'PLAIN') return scalarText(value, length);
        return typedValue(value, length);
      };
    },
  };
}

function checkFilterState(key: string, form: string, field: string): void {
  if (key === '') throw new SyntaxError('Invalid filter state configuration, key cannot be empty.');
  if (!['', 'PLAIN', 'TYPED', 'FIELD'].includes(form)) {
    throw new SyntaxError('Invalid filter state serialize type, only support PLAIN/TYPED/FIELD.');
  }
  if ((form === 'FIELD') !== (field !== '')) {
    throw new SyntaxError('Invalid filter state serialize type, FIELD should be used with the field name.');
  }
}

function scalarText(value: unknown, length: number | undefined): string | undefined {
  if (!['string', 'number', 'boolean', 'bigint'].includes(typeof value)) return undefined;
  return truncated(wireText(String(value)), length);
}

function typedValue(value: unknown, length: number | undefined): FormatValue {
  const isJson = ['string', 'number', 'boolean', 'object'].includes(typeof value);
  return isJson ? cut(wireValue(value as FormatValue), length) : undefined;
}

export const metadataOperators: OperatorTable = {
  DYNAMIC_METADATA: metadata(dynamic),
  UPSTREAM_METADATA: metadata(upstreamHost),
  CLUSTER_METADATA: metadata(cluster),
  METADATA: typedMetadata,
  FILTER_STATE: filterState(({ info }, key) => info.filterState.get(key)),
  UPSTREAM_FILTER_STATE: filterState(() => undefined),
};
