/** What a route tells rate limit services about its requests. */
import { compileFormat } from '../../format/format.ts';
import { cidrRange, headerName } from '../common.ts';
import { message, required, withDefault } from '../message.ts';
import { bool, enumOf, list, nonEmpty, string, uint32, uint64 } from '../proto-json.ts';
import { headerMatcher, queryParameterMatcher } from '../route-match.ts';

const type = 'envoy.config.route.v3.RateLimit';
const actionType = `${type}.Action`;

const pathSegment = message(
  { key: nonEmpty() },
  {
    name: 'envoy.type.metadata.v3.MetadataKey.PathSegment',
    known: { index: 'Envoy does not look into lists either' },
    oneofs: [{ fields: ['key', 'index'], required: true }],
  },
);

const metadataKey = message(
  { key: required(nonEmpty()), path: { ...list(pathSegment, { min: 1 }), presence: 'required' } },
  { name: 'envoy.type.metadata.v3.MetadataKey' },
);

/** Fields of the actions that say something when a condition holds. */
const matchFields = { descriptor_value: required(nonEmpty()), descriptor_key: withDefault(string(), '') };
const literal = { default_value: 'descriptor values are taken as they are written, as Envoy does by default' };

const metadataFields = {
  descriptor_key: required(nonEmpty()),
  metadata_key: required(metadataKey),
  default_value: withDefault(string(), ''),
};

const metadataSource = enumOf(['DYNAMIC', 'ROUTE_ENTRY'], {
  CLUSTER_ENTRY: { number: 2, reason: 'clusters carry no metadata yet' },
  CLUSTER_LOCALITY_ENTRY: { number: 3, reason: 'localities carry no metadata yet' },
});

const action = message(
  {
    source_cluster: message({}, { name: `${actionType}.SourceCluster` }),
    destination_cluster: message({}, { name: `${actionType}.DestinationCluster` }),
    request_headers: message(
      {
        header_name: required(headerName()),
        descriptor_key: required(nonEmpty()),
        skip_if_absent: withDefault(bool(), false),
      },
      { name: `${actionType}.RequestHeaders` },
    ),
    query_parameters: message(
      {
        query_parameter_name: required(nonEmpty()),
        descriptor_key: required(nonEmpty()),
        skip_if_absent: withDefault(bool(), false),
      },
      { name: `${actionType}.QueryParameters` },
    ),
    remote_address: message({}, { name: `${actionType}.RemoteAddress` }),
    masked_remote_address: message(
      {
        v4_prefix_mask_len: withDefault(uint32({ max: 32 }), 32),
        v6_prefix_mask_len: withDefault(uint32({ max: 128 }), 128),
      },
      { name: `${actionType}.MaskedRemoteAddress` },
    ),
    remote_address_match: message(
      {
        ...matchFields,
        address_matcher: required(
          message(
            { ranges: list(cidrRange), invert_match: withDefault(bool(), false) },
            { name: 'envoy.type.matcher.v3.AddressMatcher' },
          ),
        ),
      },
      { name: `${actionType}.RemoteAddressMatch`, known: literal },
    ),
    generic_key: message(matchFields, { name: `${actionType}.GenericKey`, known: literal }),
    header_value_match: message(
      {
        ...matchFields,
        expect_match: withDefault(bool(), true),
        headers: { ...list(headerMatcher, { min: 1 }), presence: 'required' },
      },
      { name: `${actionType}.HeaderValueMatch`, known: literal },
    ),
    query_parameter_value_match: message(
      {
        ...matchFields,
        expect_match: withDefault(bool(), true),
        query_parameters: { ...list(queryParameterMatcher, { min: 1 }), presence: 'required' },
      },
      { name: `${actionType}.QueryParameterValueMatch`, known: literal },
    ),
    dynamic_metadata: message(metadataFields, { name: `${actionType}.DynamicMetaData` }),
    metadata: message(
      {
        ...metadataFields,
        source: withDefault(metadataSource, 'DYNAMIC'),
        skip_if_absent: withDefault(bool(), false),
      },
      { name: `${actionType}.MetaData` },
    ),
  },
  {
    name: actionType,
    known: { extension: 'rate limit descriptor extensions are not built yet' },
    oneofs: [
      {
        fields: [
          'source_cluster',
          'destination_cluster',
          'request_headers',
          'query_parameters',
          'remote_address',
          'generic_key',
          'header_value_match',
          'dynamic_metadata',
          'metadata',
          'extension',
          'masked_remote_address',
          'query_parameter_value_match',
          'remote_address_match',
        ],
        required: true,
      },
    ],
  },
);

const limit = message(
  {
    dynamic_metadata: message({ metadata_key: required(metadataKey) }, { name: `${type}.Override.DynamicMetadata` }),
    rate_limit: message(
      {
        requests_per_unit: withDefault(uint32(), 0),
        unit: withDefault(enumOf(['UNKNOWN', 'SECOND', 'MINUTE', 'HOUR', 'DAY', 'MONTH', 'YEAR', 'WEEK']), 'UNKNOWN'),
      },
      { name: `${type}.Override.RateLimitOverride` },
    ),
  },
  { name: `${type}.Override`, oneofs: [{ fields: ['dynamic_metadata', 'rate_limit'], required: true }] },
);

const hitsAddend = message(
  {
    number: uint64({ max: 1_000_000_000 }),
    format: string({ pattern: /^(%.*%)?$/s, expected: 'a format that begins and ends with %' }),
    is_negative_hits: withDefault(bool(), false),
  },
  {
    name: `${type}.HitsAddend`,
    check({ number, format }, report) {
      if (number !== undefined && format) {
        report({ path: ['format'], at: 'key', message: 'Only one of number or format can be set' });
      }
      const problem = format === undefined ? undefined : formatProblem(format);
      if (problem !== undefined) report({ path: ['format'], message: problem });
    },
  },
);

function formatProblem(format: string): string | undefined {
  try {
    compileFormat(format);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Envoy `RateLimit`. */
export const rateLimit = message(
  {
    stage: withDefault(uint32({ max: 10 }), 0),
    disable_key: withDefault(string(), ''),
    actions: { ...list(action, { min: 1 }), presence: 'required' },
    limit,
    hits_addend: hitsAddend,
    apply_on_stream_done: withDefault(bool(), false),
    x_ratelimit_option: withDefault(enumOf(['UNSPECIFIED', 'OFF', 'DRAFT_VERSION_03']), 'UNSPECIFIED'),
  },
  { name: type },
);
