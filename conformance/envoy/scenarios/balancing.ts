/** Which host is chosen: Maglev tables, subsets, sessions. What chance decides is tested where it is built. */
import { answer } from '@mesh/testing';
import { prefix, type Scenario, type Yaml } from '../scenario.ts';

const TYPES = 'type.googleapis.com/envoy.extensions';
const at = (user: string) => ({ headers: { 'x-user': user } });
const USERS = ['ann', 'bob', 'cleo', 'dan', 'eve', 'fay', 'gus', 'hal', 'ida', 'joe', 'kim', 'leo'];
const byUser = { hash_policy: [{ header: { header_name: 'x-user' } }] };
const LETTERS = ['a', 'b', 'c'];

/** Hosts have keys of their own, so that nothing depends on their ports. */
const keyed = (letter: string, more: Yaml = {}, rest: Yaml = {}): Yaml => ({
  endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: `<port-${letter}>` } } },
  metadata: { filter_metadata: { 'envoy.lb': { hash_key: `host-${letter}`, ...more } } },
  ...rest,
});

const clusterOf = (endpoints: readonly Yaml[], rest: Yaml): Pick<Required<Scenario>, 'clusters'> => ({
  clusters: {
    many: {
      hosts: LETTERS,
      load_assignment: { cluster_name: '<many>', endpoints: [{ lb_endpoints: endpoints }] },
      ...rest,
    },
  },
});

const hosts = LETTERS.map((letter) => keyed(letter));
const typed = (name: string, config: Yaml): Yaml => ({
  typed_extension_config: { name, typed_config: { '@type': `${TYPES}.load_balancing_policies.${name}`, ...config } },
});

const tables: readonly Scenario[] = [
  {
    name: 'maglev-by-header',
    why: 'which host of a table a value leads to',
    routes: [prefix('/', '<many>', byUser)],
    ...clusterOf(hosts, { lb_policy: 'MAGLEV' }),
    counters: ['cluster.many.maglev_lb.min_entries_per_host', 'cluster.many.maglev_lb.max_entries_per_host'],
    requests: USERS.map(at),
  },
  {
    name: 'maglev-weights',
    why: 'weights in a small table',
    routes: [prefix('/', '<many>', byUser)],
    ...clusterOf(
      LETTERS.map((letter, i) => keyed(letter, {}, { load_balancing_weight: 1 + 2 * i })),
      { lb_policy: 'MAGLEV', maglev_lb_config: { table_size: 13 } },
    ),
    requests: USERS.map(at),
  },
  {
    name: 'maglev-refused-hosts',
    why: 'a host that was tried is passed over for another of the table',
    routes: [
      prefix('/', '<many>', {
        ...byUser,
        retry_policy: {
          retry_on: '5xx',
          num_retries: 1,
          retry_host_predicate: [
            {
              name: 'envoy.retry_host_predicates.previous_hosts',
              typed_config: { '@type': `${TYPES}.retry.host.previous_hosts.v3.PreviousHostsPredicate` },
            },
          ],
          host_selection_retry_max_attempts: 20,
        },
        timeout: '0s',
      }),
    ],
    ...clusterOf(hosts, { lb_policy: 'MAGLEV' }),
    upstreams: { a: answer({ status: 503, reason: 'Service Unavailable' }) },
    requests: USERS.map(at),
  },
  {
    name: 'policy-list',
    why: 'of several policies the first one that is known is used',
    routes: [prefix('/', '<many>', byUser)],
    ...clusterOf(hosts, {
      load_balancing_policy: {
        policies: [
          {
            typed_extension_config: {
              name: 'acme.unknown',
              typed_config: { '@type': 'type.googleapis.com/google.protobuf.Struct' },
            },
          },
          typed('maglev.v3.Maglev', { table_size: 251 }),
          typed('random.v3.Random', {}),
        ],
      },
    }),
    requests: USERS.map(at),
  },
];

const match = (own: Yaml): Yaml => ({ metadata_match: { filter_metadata: { 'envoy.lb': own } } });
const staged = (letter: string, stage: string, version: string) => keyed(letter, { stage, version });
const stages = [staged('a', 'prod', '1'), staged('b', 'prod', '2'), staged('c', 'dev', '1')];
const asking = [
  prefix('/prod', '<many>', { ...byUser, ...match({ stage: 'prod' }) }),
  prefix('/dev', '<many>', { ...byUser, ...match({ stage: 'dev' }) }),
  prefix('/two', '<many>', { ...byUser, ...match({ stage: 'prod', version: '2' }) }),
  prefix('/gone', '<many>', { ...byUser, ...match({ stage: 'prod', version: '9' }) }),
  prefix('/nowhere', '<many>', { ...byUser, ...match({ stage: 'test' }) }),
  {
    match: { prefix: '/weighted' },
    route: {
      ...byUser,
      ...match({ stage: 'prod', version: '1' }),
      weighted_clusters: { clusters: [{ name: '<many>', weight: 1, ...match({ version: '2' }) }] },
    },
  },
  prefix('/', '<many>', byUser),
];
const paths = ['/prod', '/dev', '/two', '/gone', '/nowhere', '/weighted', '/'];
const subsetRequests = paths.flatMap((path) => USERS.slice(0, 4).map((user) => ({ path, ...at(user) })));
const selectors = [{ keys: ['stage', 'version'] }, { keys: ['stage'] }];
const SUBSETS = ['selected', 'fallback', 'fallback_panic'].map((name) => `cluster.many.lb_subsets_${name}`);

const subsets: readonly Scenario[] = [
  {
    name: 'subset-no-fallback',
    why: 'requests that ask for no subset, or for one that there is not, find no host',
    routes: asking,
    ...clusterOf(stages, { lb_policy: 'MAGLEV', lb_subset_config: { subset_selectors: selectors } }),
    counters: SUBSETS,
    requests: subsetRequests,
  },
  {
    name: 'subset-default',
    why: 'they go to the default subset',
    routes: asking,
    ...clusterOf(stages, {
      lb_policy: 'RING_HASH',
      lb_subset_config: {
        subset_selectors: selectors,
        fallback_policy: 'DEFAULT_SUBSET',
        default_subset: { stage: 'prod' },
      },
    }),
    counters: SUBSETS,
    requests: subsetRequests,
  },
  {
    name: 'subset-keys',
    why: 'a selector falls back on fewer keys, and has a rule of its own when they lead nowhere',
    routes: asking,
    ...clusterOf(stages, {
      lb_policy: 'MAGLEV',
      lb_subset_config: {
        subset_selectors: [
          { keys: ['stage', 'version'], fallback_policy: 'KEYS_SUBSET', fallback_keys_subset: ['stage'] },
          { keys: ['stage'], fallback_policy: 'NO_FALLBACK' },
        ],
        fallback_policy: 'ANY_ENDPOINT',
      },
    }),
    counters: SUBSETS,
    requests: subsetRequests,
  },
];

const STATE = 'envoy.http.stateful_session.cookie';
const sessionFilter = (config: Yaml): Yaml => ({
  http_filters: [
    {
      name: 'envoy.filters.http.stateful_session',
      typed_config: {
        '@type': `${TYPES}.filters.http.stateful_session.v3.StatefulSession`,
        stat_prefix: 's',
        session_state: {
          name: STATE,
          typed_config: {
            '@type': `${TYPES}.http.stateful_session.cookie.v3.CookieBasedSessionState`,
            cookie: { name: 'stick', path: '/in', ttl: '60s', attributes: [{ name: 'Secure' }] },
          },
        },
        ...config,
      },
    },
    { name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPES}.filters.http.router.v3.Router` } },
  ],
});
/** 127.0.0.99:1 */
const lost = { cookie: `stick="${Buffer.from('\n\u000c127.0.0.99:1', 'latin1').toString('base64')}"` };
const COUNTED = ['routed', 'failed_open', 'failed_closed', 'no_session'].map(
  (name) => `http.stateful_session.s.${name}`,
);
const sessionRequests = [
  '/in',
  '/in/x?y',
  '/inn',
  '/out',
  { path: '/in', headers: lost },
  { path: '/in', headers: { cookie: 'stick=%%' } },
  { path: '/out', headers: lost },
];

const sessions: readonly Scenario[] = [
  {
    name: 'session-cookie',
    why: 'a cookie is made on the paths that it is for, and again when its host is lost',
    routes: [prefix('/')],
    manager: sessionFilter({}),
    masks: [[/="[A-Za-z0-9+/=]+"/, '="<host>"']],
    counters: COUNTED,
    requests: sessionRequests,
  },
  {
    name: 'session-strict',
    why: 'a lost host is an error of its own',
    routes: [prefix('/')],
    manager: sessionFilter({ strict: true, status_on_strict_destination_not_found: 404 }),
    masks: [[/="[A-Za-z0-9+/=]+"/, '="<host>"']],
    counters: COUNTED,
    requests: sessionRequests,
  },
];

/** Tables, then subsets, then sessions. */
export const balancing: readonly Scenario[] = [...tables, ...subsets, ...sessions];
