/** Parts of the connection manager about who clients and this proxy are: certificates, ids, proxy-status, schemes. */
import { headerMutation } from './header-mutation.ts';
import { message, required, withDefault } from './message.ts';
import { bool, enumOf, list, only, string } from './proto-json.ts';
import { typedConfig } from './typed-config.ts';
import { typedExtension } from './typed-extension.ts';

const manager = 'envoy.extensions.filters.network.http_connection_manager.v3';

/** Envoy `InternalAddressConfig` is in the manager itself; this is `SetCurrentClientCertDetails`. */
export const clientCertDetails = message(
  {
    subject: withDefault(bool(), false),
    cert: withDefault(bool(), false),
    chain: withDefault(bool(), false),
    dns: withDefault(bool(), false),
    uri: withDefault(bool(), false),
    format: withDefault(enumOf(['TEXT'], { JSON: { number: 1, reason: 'only the text form is built' } }), 'TEXT'),
  },
  {
    name: `${manager}.HttpConnectionManager.SetCurrentClientCertDetails`,
    known: { issuer: 'the issuer is not built yet' },
  },
);

const uuidRequestId = message(
  {
    pack_trace_reason: withDefault(bool(), true),
    use_request_id_for_trace_sampling: withDefault(bool(), true),
  },
  { name: 'envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig' },
);

/** Envoy `RequestIDExtension`: UUIDs. */
export const requestIdExtension = message(
  { typed_config: typedConfig(uuidRequestId) },
  { name: `${manager}.RequestIDExtension` },
);

/** Envoy `ProxyStatusConfig`. */
export const proxyStatusConfig = message(
  {
    remove_details: withDefault(bool(), false),
    // The details hold none here: this only promises that there will never be any.
    remove_connection_termination_details: withDefault(bool(), false),
    remove_response_flags: withDefault(bool(), false),
    set_recommended_response_code: withDefault(bool(), false),
    use_node_id: bool(),
    literal_proxy_name: string({ pattern: /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x7e]*$/, expected: 'a token' }),
  },
  {
    name: `${manager}.HttpConnectionManager.ProxyStatusConfig`,
    oneofs: [{ fields: ['use_node_id', 'literal_proxy_name'] }],
  },
);

/** Envoy `SchemeHeaderTransformation`. */
export const schemeHeaderTransformation = message(
  {
    scheme_to_overwrite: enumText(['http', 'https']),
    match_upstream: only(bool(), false, 'not built yet: the scheme stays that of the client'),
  },
  {
    name: 'envoy.config.core.v3.SchemeHeaderTransformation',
    oneofs: [{ fields: ['scheme_to_overwrite', 'match_upstream'] }],
  },
);

function enumText<const T extends string>(values: readonly T[]) {
  return string({ pattern: new RegExp(`^(?:${values.join('|')})$`), expected: `one of ${values.join(', ')}` });
}

/** Canonical name of the one early header mutation extension. */
const earlyMutationName = 'envoy.http.early_header_mutation.header_mutation';

const earlyHeaderMutation = message(
  { mutations: required(list(headerMutation, { min: 1 }).schema) },
  { name: 'envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation' },
);

/** One entry of `early_header_mutation_extensions`. */
export const earlyMutationExtension = typedExtension('envoy.config.core.v3.TypedExtensionConfig', [
  { name: earlyMutationName, schema: earlyHeaderMutation as never },
]);
