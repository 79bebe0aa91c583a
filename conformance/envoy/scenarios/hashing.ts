/** Hash policies: cookies that are made, and which host of a ring a value leads to. */
import { answer } from '@mesh/testing';
import { add, prefix, type Scenario, type Yaml } from '../scenario.ts';

const at = (headers: Readonly<Record<string, string>>) => ({ headers });

const COOKIE = /="[0-9a-f]{16}"/;

const hashing = (hash_policy: readonly Yaml[]): Pick<Scenario, 'routes' | 'clusters'> => ({
  routes: [prefix('/', '<ring>', { hash_policy })],
  clusters: { ring: { lb_policy: 'RING_HASH', hosts: ['a'] } },
});

const cookies: readonly Scenario[] = [
  {
    name: 'hash-cookie-made',
    why: 'a cookie policy with a ttl makes the cookie when the client has none',
    ...hashing([{ cookie: { name: 'stick', ttl: '60s', path: '/x' } }]),
    masks: [[COOKIE, '="<hash>"']],
    requests: ['/', at({ cookie: 'stick=abc' }), at({ cookie: 'other=1; stick="q"' }), at({ cookie: 'stick=' })],
  },
  {
    name: 'hash-cookie-session',
    why: 'a ttl of 0 makes a cookie of the session, without path there is none',
    ...hashing([{ cookie: { name: 'stick', ttl: '0s' } }]),
    masks: [[COOKIE, '="<hash>"']],
    requests: ['/'],
  },
  {
    name: 'hash-cookie-not-made',
    why: 'without a ttl nothing is made',
    ...hashing([{ cookie: { name: 'stick' } }]),
    requests: ['/'],
    expect: [{ headers: { 'set-cookie': null } }],
  },
  {
    name: 'hash-cookie-attributes',
    why: 'attributes are written behind the rest',
    ...hashing([
      {
        cookie: {
          name: 'stick',
          ttl: '10s',
          path: '/',
          attributes: [{ name: 'SameSite', value: 'Strict' }, { name: 'Secure' }],
        },
      },
    ]),
    masks: [[COOKIE, '="<hash>"']],
    requests: ['/'],
  },
  {
    name: 'hash-cookie-beside-upstream-cookie',
    why: 'the cookie is a line of its own beside those of the upstream',
    ...hashing([{ cookie: { name: 'stick', ttl: '10s' } }]),
    upstreams: { a: answer({ reason: 'OK', headers: { 'set-cookie': 'own=1' } }) },
    masks: [[COOKIE, '="<hash>"']],
    requests: ['/'],
  },
  {
    name: 'hash-cookie-after-terminal',
    why: 'policies behind a terminal one that hashed are not looked at',
    ...hashing([{ header: { header_name: 'x-user' }, terminal: true }, { cookie: { name: 'stick', ttl: '10s' } }]),
    masks: [[COOKIE, '="<hash>"']],
    requests: [at({ 'x-user': '1' }), '/'],
    expect: [{ headers: { 'set-cookie': null } }],
  },
];

const keyed = (letter: string): Yaml => ({
  endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: `<port-${letter}>` } } },
  metadata: { filter_metadata: { 'envoy.lb': { hash_key: `host-${letter}` } } },
});

/** Hosts have keys of their own, so that the ring does not depend on their ports. */
const ringOf = (lb_policy: string, rest: Yaml = {}): Pick<Required<Scenario>, 'clusters'> => ({
  clusters: {
    ring: {
      lb_policy,
      hosts: ['a', 'b', 'c'],
      load_assignment: { cluster_name: '<ring>', endpoints: [{ lb_endpoints: ['a', 'b', 'c'].map(keyed) }] },
      ...rest,
    },
  },
});

const USERS = ['ann', 'bob', 'cleo', 'dan', 'eve', 'fay', 'gus', 'hal', 'ida', 'joe', 'kim', 'leo'];

const byUser = (header: Yaml = {}): readonly Yaml[] => [
  prefix('/', '<ring>', { hash_policy: [{ header: { header_name: 'x-user', ...header } }] }),
];

const rings: readonly Scenario[] = [
  {
    name: 'ring-by-header',
    why: 'which host a value leads to',
    routes: byUser(),
    ...ringOf('RING_HASH'),
    requests: USERS.map((user) => at({ 'x-user': user })),
  },
  {
    name: 'ring-murmur',
    why: 'the other hash function of the ring',
    routes: byUser(),
    ...ringOf('RING_HASH', { ring_hash_lb_config: { hash_function: 'MURMUR_HASH_2', minimum_ring_size: 64 } }),
    requests: USERS.map((user) => at({ 'x-user': user })),
  },
  {
    name: 'ring-by-query',
    why: 'a query parameter as the source',
    routes: [prefix('/', '<ring>', { hash_policy: [{ query_parameter: { name: 'u' } }] })],
    ...ringOf('RING_HASH'),
    requests: USERS.map((user) => `/?x=1&u=${user}`),
  },
  {
    name: 'ring-by-cookie',
    why: 'a cookie as the source',
    routes: [prefix('/', '<ring>', { hash_policy: [{ cookie: { name: 'u' } }] })],
    ...ringOf('RING_HASH'),
    requests: USERS.map((user) => at({ cookie: `x=1; u=${user}` })),
  },
  {
    name: 'ring-two-policies',
    why: 'hashes of several policies are combined',
    routes: [
      prefix('/', '<ring>', {
        hash_policy: [{ header: { header_name: 'x-user' } }, { query_parameter: { name: 'u' } }],
      }),
    ],
    ...ringOf('RING_HASH'),
    requests: USERS.map((user) => ({ path: '/?u=same', headers: { 'x-user': user } })),
  },
  {
    name: 'ring-header-lines',
    why: 'lines of a repeated field are hashed in order of their text',
    routes: byUser(),
    ...ringOf('RING_HASH'),
    requests: [
      { headers: { 'x-user': ['ann', 'bob'] } },
      { headers: { 'x-user': ['bob', 'ann'] } },
      { headers: { 'x-user': 'ann,bob' } },
    ],
  },
  {
    name: 'ring-header-rewrite',
    why: 'regex_rewrite of the value before it is hashed',
    routes: byUser({ regex_rewrite: { pattern: { regex: '^(.*)-.*$' }, substitution: '\\1' } }),
    ...ringOf('RING_HASH'),
    requests: USERS.map((user) => at({ 'x-user': `${user}-session` })),
  },
];

const overwrite = add('x-user', 'ann', 'OVERWRITE_IF_EXISTS_OR_ADD');
const previousHosts = {
  name: 'envoy.retry_host_predicates.previous_hosts',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
  },
};

/** Which head is hashed, and what becomes of it with the next attempt. */
const moments: readonly Scenario[] = [
  {
    name: 'ring-after-header-changes',
    why: 'the head is hashed as it goes upstream',
    routes: [{ ...byUser()[0], request_headers_to_add: [overwrite] }],
    ...ringOf('RING_HASH'),
    requests: USERS.map((user) => at({ 'x-user': user })),
  },
  {
    name: 'ring-after-rewrites',
    why: 'path and host are hashed as they go upstream',
    routes: [':path', ':authority'].map((header_name) =>
      prefix(`/${header_name}/`, '<ring>', {
        regex_rewrite: { pattern: { regex: '^.*$' }, substitution: '/same' },
        host_rewrite_literal: 'same.test',
        hash_policy: [{ header: { header_name } }],
      }),
    ),
    ...ringOf('RING_HASH'),
    requests: [':path', ':authority'].flatMap((name) =>
      USERS.slice(0, 6).map((user) => ({ path: `/${name}/${user}`, host: `${user}.test` })),
    ),
  },
  {
    name: 'hash-cookie-per-attempt',
    why: 'every attempt makes the cookie once more',
    routes: [
      prefix('/', '<ring>', {
        hash_policy: [{ cookie: { name: 'stick', ttl: '10s' } }],
        retry_policy: { retry_on: '5xx', num_retries: 2 },
        timeout: '0s',
      }),
    ],
    clusters: { ring: { lb_policy: 'RING_HASH', hosts: ['a'] } },
    upstreams: { a: answer({ status: 503, reason: 'Service Unavailable' }) },
    masks: [[COOKIE, '="<hash>"']],
    requests: [{ path: '/', upstreamRequests: 3 }],
  },
  {
    name: 'ring-refused-hosts',
    why: 'a host that was tried is passed over along the ring',
    routes: [
      prefix('/', '<ring>', {
        hash_policy: [{ header: { header_name: 'x-user' } }],
        retry_policy: {
          retry_on: '5xx',
          num_retries: 1,
          retry_host_predicate: [previousHosts],
          host_selection_retry_max_attempts: 20,
        },
        timeout: '0s',
      }),
    ],
    ...ringOf('RING_HASH'),
    upstreams: { a: answer({ status: 503, reason: 'Service Unavailable' }) },
    requests: USERS.map((user) => at({ 'x-user': user })),
  },
  {
    name: 'ring-typed',
    why: 'load_balancing_policy takes the place of lb_policy',
    routes: byUser(),
    ...ringOf('ROUND_ROBIN', {
      load_balancing_policy: {
        policies: [
          {
            typed_extension_config: {
              name: 'ring',
              typed_config: {
                '@type': 'type.googleapis.com/envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash',
                minimum_ring_size: 16,
              },
            },
          },
        ],
      },
    }),
    requests: USERS.map((user) => at({ 'x-user': user })),
  },
  {
    name: 'ring-without-hosts',
    why: 'the head is finished, but no cookie is made when there is no host',
    routes: [
      prefix(
        '/',
        '<empty>',
        { hash_policy: [{ cookie: { name: 'stick', ttl: '10s' } }] },
        { request_headers_to_add: [overwrite] },
      ),
    ],
    virtualHost: { include_request_attempt_count: true, include_attempt_count_in_response: true },
    clusters: { empty: { lb_policy: 'RING_HASH', hosts: [] } },
    manager: {
      local_reply_config: {
        body_format: {
          text_format_source: {
            inline_string:
              '%REQ(x-user)% %REQ(x-envoy-attempt-count)% %REQ(x-envoy-expected-rq-timeout-ms)% %RESPONSE_FLAGS%',
          },
        },
      },
    },
    requests: [at({ 'x-user': 'bob' })],
    expect: [{ status: 503, headers: { 'set-cookie': null } }],
  },
];

/** Cookies, then rings. */
export const hashes: readonly Scenario[] = [...cookies, ...rings, ...moments];
