/** Envoy `CustomTag`: tags of spans whose values come from the configuration, the request, or metadata. */
import { formatText } from './format-text.ts';
import { message, required, withDefault } from './message.ts';
import { list, nonEmpty, string } from './proto-json.ts';

const type = 'envoy.type.tracing.v3.CustomTag';
const kindType = 'envoy.type.metadata.v3.MetadataKind';

const literal = message({ value: required(nonEmpty()) }, { name: `${type}.Literal` });

const environment = message(
  { name: required(nonEmpty()), default_value: withDefault(string(), '') },
  { name: `${type}.Environment` },
);

const requestHeader = message(
  {
    // As in Envoy it need not be a legal name: then no request has it.
    name: required(string({ minLength: 1, pattern: /^[^\0\n\r]*$/, expected: 'a name without NUL and line breaks' })),
    default_value: withDefault(string(), ''),
  },
  { name: `${type}.Header` },
);

const metadataKind = message(
  {
    request: message({}, { name: `${kindType}.Request` }),
    route: message({}, { name: `${kindType}.Route` }),
    cluster: message({}, { name: `${kindType}.Cluster` }),
    host: message({}, { name: `${kindType}.Host` }),
  },
  { name: kindType, oneofs: [{ fields: ['request', 'route', 'cluster', 'host'], required: true }] },
);

const pathSegment = message({ key: required(nonEmpty()) }, { name: 'envoy.type.metadata.v3.MetadataKey.PathSegment' });

const metadataKey = message(
  { key: required(nonEmpty()), path: { ...list(pathSegment, { min: 1 }), presence: 'required' } },
  { name: 'envoy.type.metadata.v3.MetadataKey' },
);

const metadata = message(
  { kind: metadataKind, metadata_key: metadataKey, default_value: withDefault(string(), '') },
  { name: `${type}.Metadata` },
);

/** Envoy `CustomTag`. A tag without a value is left out. */
export const customTag = message(
  {
    tag: required(nonEmpty()),
    literal,
    environment,
    request_header: requestHeader,
    metadata,
    /** A format; commands without a value are ''. */
    value: formatText(string()),
  },
  {
    name: type,
    oneofs: [{ fields: ['literal', 'environment', 'request_header', 'metadata', 'value'], required: true }],
  },
);
