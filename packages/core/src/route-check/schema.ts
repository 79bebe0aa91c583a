/** The test files of Envoy's router_check_tool: `envoy.RouterCheckToolSchema.Validation`. */
import { type Fields, message, required, withDefault } from '../config/message.ts';
import { bool, duration, list, nonEmpty, string, struct, uint32, uint64 } from '../config/proto-json.ts';
import { headerMatcher } from '../config/route-match.ts';

const headerValue = message(
  { key: required(nonEmpty()), value: withDefault(string(), '') },
  { name: 'envoy.config.core.v3.HeaderValue', known: { raw_value: 'use value' } },
);

const metadata = message(
  { metadata_namespace: required(nonEmpty()), value: struct(), allow_overwrite: withDefault(bool(), false) },
  {
    name: 'envoy.extensions.filters.http.set_metadata.v3.Metadata',
    known: { typed_value: 'no condition of a route reads typed metadata' },
  },
);

const input = message(
  {
    authority: required(nonEmpty()),
    path: required(nonEmpty()),
    method: withDefault(nonEmpty(), 'GET'),
    random_value: withDefault(uint64(), 0),
    ssl: withDefault(bool(), false),
    internal: withDefault(bool(), false),
    runtime: withDefault(string(), ''),
    additional_request_headers: list(headerValue),
    additional_response_headers: list(headerValue),
    /** The name of `additional_request_headers` until 2020. */
    additional_headers: list(headerValue),
    dynamic_metadata: list(metadata),
  },
  { name: 'envoy.RouterCheckToolSchema.ValidationInput' },
);

/** Left out: not compared. Empty: expected to be absent. */
const asserted = {
  cluster_name: string(),
  virtual_cluster_name: string(),
  virtual_host_name: string(),
  path_rewrite: string(),
  host_rewrite: string(),
  path_redirect: string(),
  code_redirect: uint32(),
  timeout: duration(),
  request_header_matches: list(headerMatcher),
  response_header_matches: list(headerMatcher),
  request_header_fields: list(headerValue),
  response_header_fields: list(headerValue),
  /** The names of `request_header_fields` until 2020; `custom_` ones were those that routes add. */
  header_fields: list(headerValue),
  custom_header_fields: list(headerValue),
} as const satisfies Fields;

const validate = message(asserted, { name: 'envoy.RouterCheckToolSchema.ValidationAssert' });

const item = message(
  { test_name: required(nonEmpty()), input: required(input), validate: required(validate) },
  { name: 'envoy.RouterCheckToolSchema.ValidationItem' },
);

/** A test file. */
export const validationSchema = message(
  { tests: required(list(item, { min: 1 }).schema), runtime: struct() },
  { name: 'envoy.RouterCheckToolSchema.Validation' },
);

/** The tests of a file. */
export type RouteTests = (typeof validationSchema)['_zod']['output'];
/** One test. */
export type RouteTest = RouteTests['tests'][number];
/** What a test expects. */
export type RouteExpectations = RouteTest['validate'];
