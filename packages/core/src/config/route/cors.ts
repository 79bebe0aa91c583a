/** The old way to configure CORS: on routes and virtual hosts themselves. */
import { stringMatcher } from '../common.ts';
import { message } from '../message.ts';
import { bool, list, runtimeFractionalPercent, string } from '../proto-json.ts';

/** Envoy `CorsPolicy`. */
export const corsPolicy = message(
  {
    allow_origin_string_match: list(stringMatcher),
    allow_methods: string(),
    allow_headers: string(),
    expose_headers: string(),
    max_age: string(),
    allow_credentials: bool(),
    filter_enabled: runtimeFractionalPercent,
    shadow_enabled: runtimeFractionalPercent,
    allow_private_network_access: bool(),
    forward_not_matching_preflights: bool(),
  },
  {
    name: 'envoy.config.route.v3.CorsPolicy',
    known: {
      allow_origin: 'use allow_origin_string_match',
      allow_origin_regex: 'use allow_origin_string_match',
      enabled: 'use filter_enabled',
    },
  },
);
