/**
 * `@mesh/core/proto`: schemas for extensions whose configuration mirrors a message of Envoy's protos. A schema made here
 * reads Envoy's JSON form as core's own do: both spellings of a field, `null` as absent, every problem with its place;
 * and fields that Envoy has and the extension has not are refused with a reason instead of as unknown. Extensions with a
 * configuration of their own need nothing of this: any Standard Schema will do.
 *
 * @example
 * const config = message(
 *   { stat_prefix: required(nonEmpty()), max_wait: withDefault(duration(), 1000) },
 *   { name: 'acme.gate.v1.Gate', known: fields('mode shards', 'not built yet') },
 * );
 * // YAML: { stat_prefix: a, max_wait: 0.5s }; in code: gate({ statPrefix: 'a' }); create gets { statPrefix, maxWaitMs }
 */
export { type AccessLogConfig, accessLogEntry, checkLogOptions } from './config/access-log.ts';
export { type DnsCacheConfig, dnsCacheConfig } from './config/cluster-type-dns-cache.ts';
export { cidrRange, datagramAddress, metadata, pathText, stringMatcher } from './config/common.ts';
export { customTag } from './config/custom-tags.ts';
export { type DataSource, dataSource, type ReadSource, readDataSource } from './config/data-source.ts';
export { refreshRate } from './config/dns.ts';
export {
  type DnsResolverFields,
  dnsResolutionConfig,
  dnsResolverSettings,
  typedDnsResolverConfig,
} from './config/dns-resolver.ts';
export { formatText } from './config/format-text.ts';
export {
  type GrpcServiceConfig,
  type GrpcTarget,
  grpcService,
  grpcTarget,
  transportApiVersion,
} from './config/grpc-service.ts';
export { headerValueOption } from './config/header-mutation.ts';
export { type HttpServiceConfig, type HttpTarget, httpService, httpTarget } from './config/http-service.ts';
export type { ConfigPath, SchemaIssue } from './config/issues.ts';
export { runtimeDouble } from './config/load-balancing-legacy.ts';
export { type ChosenPolicy, loadBalancingPolicy } from './config/load-balancing-policy.ts';
export {
  type DeepPartial,
  type Defaulted,
  type Field,
  type Fields,
  fields,
  type MessageInput,
  type MessageOptions,
  type MessageOutput,
  type MessageSchema,
  message,
  nested,
  type Required,
  required,
  withDefault,
} from './config/message.ts';
export {
  bool,
  bytes,
  double,
  duration,
  enumOf,
  fractionalPercent,
  int64,
  list,
  mapOf,
  nonEmpty,
  only,
  onlyEmpty,
  percent,
  string,
  struct,
  uint32,
  uint64,
} from './config/proto-json.ts';
export { rbacRules } from './config/rbac.ts';
export { hashPolicy } from './config/route/hash-policy.ts';
export { headerMatcher } from './config/route-match.ts';
export type { Report } from './config/schema-type.ts';
export { formatter, substitutionFormat } from './config/substitution-format.ts';
export {
  refuseAdminSinks,
  type TapBodySettings,
  type TapHeadersSettings,
  type TapMatchSettings,
  type TapSettings,
  tapConfig,
} from './config/tap.ts';
export { runtimeFlag, tokenBucket } from './config/token-bucket.ts';
export { type TypedExtension, typedExtension } from './config/typed-extension.ts';
export { isTls } from './config/upstream-http.ts';
