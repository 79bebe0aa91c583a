/** What a route makes the hash from that hashing load balancers choose by. */
import { headerName } from '../common.ts';
import { message, required, withDefault } from '../message.ts';
import { bool, duration, list, nonEmpty, string } from '../proto-json.ts';
import { regexMatchAndSubstitute } from './regex-rewrite.ts';

const type = 'envoy.config.route.v3.RouteAction.HashPolicy';

const header = message(
  { header_name: required(headerName()), regex_rewrite: regexMatchAndSubstitute },
  { name: `${type}.Header` },
);

/** Nothing that could end the cookie's field or begin another attribute. */
const attributeValue = /^[^\0-\x1f\x7f;]{0,16384}$/;

const cookieAttribute = message(
  {
    name: required(string({ pattern: /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,16384}$/, expected: 'a cookie attribute' })),
    value: withDefault(string({ pattern: attributeValue, expected: 'text without ";" and control characters' }), ''),
  },
  { name: `${type}.CookieAttribute` },
);

const cookie = message(
  {
    name: required(nonEmpty()),
    ttl: duration(),
    path: withDefault(string({ pattern: attributeValue, expected: 'text without ";" and control characters' }), ''),
    attributes: list(cookieAttribute),
  },
  {
    name: `${type}.Cookie`,
    check({ name = 'x', ttlMs }, report) {
      // Only a name that is written to `set-cookie` has to be a legal one.
      if (ttlMs === undefined || /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) return;
      report({ path: ['name'], message: `expected a cookie name, got ${JSON.stringify(name)}` });
    },
  },
);

/** Envoy `RouteAction.HashPolicy`. */
export const hashPolicy = message(
  {
    header,
    cookie,
    connection_properties: message({ source_ip: withDefault(bool(), false) }, { name: `${type}.ConnectionProperties` }),
    query_parameter: message({ name: required(nonEmpty()) }, { name: `${type}.QueryParameter` }),
    filter_state: message({ key: required(nonEmpty()) }, { name: `${type}.FilterState` }),
    terminal: withDefault(bool(), false),
  },
  {
    name: type,
    oneofs: [
      { fields: ['header', 'cookie', 'connection_properties', 'query_parameter', 'filter_state'], required: true },
    ],
  },
);
