/**
 * What finding a route costs, for few and many: ten thousand must cost less than three times as much as ten.
 *   node benchmarks/micro/run.mjs route-table                 (the built package)
 *   node --import tsx benchmarks/micro/run.mjs route-table    (the source)
 */
import { loadEngine } from './core.mjs';

const FEW = 10;
const MANY = 10_000;
/** Most that a look-up among many may cost, in look-ups among few. */
const MOST = 3;
const REQUESTS = 1000;

const nothing = {
  requestHeadersToAdd: [],
  requestHeadersToRemove: [],
  responseHeadersToAdd: [],
  responseHeadersToRemove: [],
  typedPerFilterConfig: {},
};
const noConditions = { headers: [], queryParameters: [], caseSensitive: true };
const header = (value) => ({
  name: 'x-version',
  exactMatch: value,
  invertMatch: false,
  treatMissingHeaderAsEmpty: false,
});
const template = (pathTemplate) => ({ pathMatchPolicy: { name: 'uri_template', config: { pathTemplate } } });

/** Name → the match of route `i`, and a request for it. */
const ROUTES = {
  prefix: [(i) => ({ prefix: `/service/${i}/` }), (i) => `/service/${i}/users/42?page=1`],
  'prefix in any case': [
    (i) => ({ prefix: `/Service/${i}/`, caseSensitive: false }),
    (i) => `/service/${i}/users/42?page=1`,
  ],
  exact: [(i) => ({ path: `/service/${i}/users` }), (i) => `/service/${i}/users?page=1`],
  separated: [(i) => ({ pathSeparatedPrefix: `/service/${i}` }), (i) => `/service/${i}/users/42?page=1`],
  mixed: [mixed, (i) => `/service/${i}/users?page=1`],
  // All are asked for by their literal beginning; then each has to be run.
  regex: [(i) => ({ safeRegex: { regex: `/service/${i}/users/\\d+` } }), (i) => `/service/${i}/users/42?page=1`],
  template: [(i) => template(`/service/${i}/{kind}/{id}`), (i) => `/service/${i}/users/42?page=1`],
};

/** Each kind in turn, each with a condition that holds on half of them. */
function mixed(i) {
  const kinds = [
    { prefix: `/service/${i}/` },
    { path: `/service/${i}/users` },
    { pathSeparatedPrefix: `/service/${i}` },
  ];
  return { ...kinds[i % 3], headers: [header(i % 2 === 0 ? '2' : '1')], fallback: true };
}

/** Name → the domain of host `i`, and an authority for it. */
const HOSTS = {
  exact: [(i) => `h${i}.example.com`, (i) => `h${i}.example.com`],
  '*.suffix': [(i) => `*.h${i}.example.com`, (i) => `www.h${i}.example.com`],
  'prefix.*': [(i) => `h${i}.*`, (i) => `h${i}.example.com`],
};

/** @param {import('tinybench').Bench} bench @returns {Promise<string | undefined>} why it cannot run */
export async function register(bench) {
  const engine = await loadEngine();
  if (!engine) return 'packages/core is not built';
  const { compileRoutes, RequestHead, NO_RUNTIME } = engine;
  const stream = {
    runtime: NO_RUNTIME,
    random: 0,
    connection: {},
    info: { metadata: new Map(), filterState: new Map() },
  };
  const options = { filterSlots: new Map(), directBody: () => '' };
  const compile = (virtualHosts) => compileRoutes({ name: 'bench', virtualHosts, ...nothing }, options);
  const add = (name, table, target) => {
    const requests = Array.from({ length: REQUESTS }, (_, i) => head(RequestHead, target(i)));
    // One task is all requests, so that the clock of the bench does not blur the ratio.
    bench.add(name, () => {
      for (const request of requests) {
        if (table.route(request, stream) === undefined) throw new Error(`no route in ${name}`);
      }
    });
  };
  for (const count of [FEW, MANY]) {
    for (const [kind, [match, path]] of Object.entries(ROUTES)) {
      const table = compile([host('all', ['*'], routes(count, match))]);
      add(`routes, ${kind}: ${count}`, table, (i) => ['h.test', path((i * 37) % count)]);
    }
    for (const [kind, [domain, authority]] of Object.entries(HOSTS)) {
      const one = routes(1, () => ({ prefix: '/' }));
      const table = compile(Array.from({ length: count }, (_, i) => host(`h${i}`, [domain(i)], one)));
      add(`hosts, ${kind}: ${count}`, table, (i) => [authority((i * 37) % count), '/']);
    }
  }
  return undefined;
}

/** @param {import('tinybench').Bench} bench @returns {string | undefined} what is too slow */
export function check(bench) {
  // The best of many passes: what else the machine does only ever adds to one.
  const best = new Map(bench.tasks.map(({ name, result }) => [name, result.latency?.min ?? Number.NaN]));
  const slow = [];
  for (const name of best.keys()) {
    const kind = name.replace(/: \d+$/, '');
    if (name !== `${kind}: ${MANY}`) continue;
    const ratio = best.get(name) / best.get(`${kind}: ${FEW}`);
    const perLookup = Math.round((best.get(name) / REQUESTS) * 1e6);
    console.log(`${kind}: ${perLookup} ns a look-up, ${ratio.toFixed(2)} × that of ${FEW}`);
    if (!(ratio <= MOST)) slow.push(kind);
  }
  return slow.length === 0 ? undefined : `more than ${MOST} times as slow with ${MANY}: ${slow.join('; ')}`;
}

/** Routes; `fallback` puts one that takes the same path without the header behind a route. */
function routes(count, match) {
  return Array.from({ length: count }, (_, i) => match(i)).flatMap(({ fallback, ...given }, i) => {
    const first = route(`r${i}`, given);
    return fallback ? [first, route(`r${i} otherwise`, { ...given, headers: [] })] : [first];
  });
}

function route(name, given) {
  return { name, match: { ...noConditions, ...given }, directResponse: { status: 200 }, ...nothing };
}

function host(name, domains, list) {
  return { name, domains, routes: list, ...nothing };
}

function head(RequestHead, [authority, path]) {
  const made = new RequestHead();
  // As the parser makes them: flat one-byte strings.
  made.authority = Buffer.from(authority).latin1Slice();
  made.path = Buffer.from(path).latin1Slice();
  made.append('x-version', '2');
  return made;
}
