/** A set of domains and its routes. */
import { metadata } from '../common.ts';
import { checkRemovals, headerMutationFields } from '../header-mutation.ts';
import { message, required, withDefault } from '../message.ts';
import { bool, list, nonEmpty, string } from '../proto-json.ts';
import { perFilterConfig } from '../route-filter-config.ts';
import { virtualHostMatchFields } from '../virtual-host-match.ts';
import { corsPolicy } from './cors.ts';
import { bufferLimitFields, routeSchema } from './entry.ts';
import { requestMirrorPolicy } from './mirror.ts';
import { rateLimit } from './rate-limit.ts';
import { hedgePolicy, retryPolicy } from './retry.ts';

/** Envoy `VirtualHost`. */
export const virtualHostSchema = message(
  {
    name: required(nonEmpty()),
    domains: required(list(string({ pattern: /^[^\0\r\n]*$/, expected: 'a domain' }), { min: 1 }).schema),
    routes: list(routeSchema),
    ...virtualHostMatchFields,
    metadata,
    typed_per_filter_config: perFilterConfig(),
    include_request_attempt_count: withDefault(bool(), false),
    include_attempt_count_in_response: withDefault(bool(), false),
    include_is_timeout_retry_header: withDefault(bool(), false),
    retry_policy: retryPolicy,
    hedge_policy: hedgePolicy,
    request_mirror_policies: list(requestMirrorPolicy),
    rate_limits: list(rateLimit),
    cors: corsPolicy,
    ...bufferLimitFields,
    ...headerMutationFields,
  },
  {
    name: 'envoy.config.route.v3.VirtualHost',
    known: {
      matcher: 'matcher trees are not built yet',
      retry_policy_typed_config: 'Envoy does not implement it',
      route_specifiers: 'not built yet',
      per_filter_config: 'use typed_per_filter_config',
    },
    check: checkRemovals,
  },
);
