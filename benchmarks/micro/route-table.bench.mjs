/** What finding a route costs, for few and many: ten thousand must cost less than three times as much as ten. */
import { loadCore } from './core.mjs';

const nothing = {
  requestHeadersToAdd: [],
  requestHeadersToRemove: [],
  responseHeadersToAdd: [],
  responseHeadersToRemove: [],
  typedPerFilterConfig: {},
};
const direct = { directResponse: { status: 200 } };
const everything = { headers: [], queryParameters: [], caseSensitive: true };

/** @param {import('tinybench').Bench} bench @returns {Promise<string | undefined>} why it cannot run */
export async function register(bench) {
  const core = await loadCore();
  if (!core) return 'packages/core is not built';
  const { compileRoutes, RequestHead } = core;
  if (typeof compileRoutes !== 'function' || typeof RequestHead !== 'function') {
    return '@mesh/core does not export compileRoutes and RequestHead';
  }
  for (const count of [10, 10_000]) {
    const byRoute = compile(compileRoutes, [host('all', ['*'], count)]);
    add(
      bench,
      `${count} routes`,
      byRoute,
      heads(RequestHead, (i) => ['h.test', `/service/${(i * 37) % count}/users/42?page=1`]),
    );
    const hosts = Array.from({ length: count }, (_, i) => host(`h${i}`, [`h${i}.test`, `*.h${i}.test`], 1));
    const byHost = compile(compileRoutes, hosts);
    add(
      bench,
      `${count} hosts, exact`,
      byHost,
      heads(RequestHead, (i) => [`h${(i * 37) % count}.test`, '/service/0/']),
    );
    add(
      bench,
      `${count} hosts, *.`,
      byHost,
      heads(RequestHead, (i) => [`www.h${(i * 37) % count}.test`, '/service/0/']),
    );
  }
  return undefined;
}

function compile(compileRoutes, virtualHosts) {
  const settings = { name: 'bench', virtualHosts, ...nothing };
  return compileRoutes(settings, { filterSlots: new Map(), directBody: () => '' });
}

function host(name, domains, count) {
  const routes = Array.from({ length: count }, (_, i) => ({
    name: `r${i}`,
    match: { ...everything, prefix: `/service/${i}/` },
    ...direct,
    ...nothing,
  }));
  return { name, domains, routes, ...nothing };
}

function heads(RequestHead, target) {
  return Array.from({ length: 1000 }, (_, i) => {
    const head = new RequestHead();
    const [authority, path] = target(i);
    head.authority = Buffer.from(authority).latin1Slice();
    head.path = Buffer.from(path).latin1Slice();
    return head;
  });
}

function add(bench, name, table, requests) {
  let at = 0;
  bench.add(name, () => {
    at = at === 999 ? 0 : at + 1;
    if (table.route(requests[at]) === undefined) throw new Error(`no route in ${name}`);
  });
}
