/**
 * The route table suite, without sockets: each configuration goes through the real loader and `compileRoutes`, each
 * request through the table and the route that it finds. `conformance/envoy/route-cases.test.ts` puts the same rows to a
 * real Envoy.
 */
import { describe, expect, it } from 'vitest';
import type { Runtime } from '../../api/runtime.ts';
import { dataSourceText } from '../../config/build.ts';
import { hcmType, parse, routerType } from '../../config/fixture.ts';
import type { HttpConnectionManagerConfig } from '../../config/http-connection-manager.ts';
import { RequestHead, ResponseHead } from '../../headers/header-map.ts';
import { NO_RUNTIME } from '../../runtime/layered-runtime.ts';
import { fakeStream } from '../fixtures/stream.ts';
import { compileRoutes, type RouteTable } from '../route-table.ts';
import { type Given, type Outcome, outcomeOf, type RouteCases, type Row, requestOf, routeCases } from './index.ts';

/** `<a>` … stand for the clusters of those names. */
const plain = (text: string): string => text.replace(/<([a-z])>/g, '$1');

function compile({ routes = [], virtualHost = {}, virtualHosts, table = {} }: RouteCases): RouteTable {
  const hosts = virtualHosts ?? [{ name: 'all', domains: ['*'], routes, ...virtualHost }];
  const typed_config = {
    '@type': hcmType,
    stat_prefix: 'in',
    route_config: { name: 'routes', virtual_hosts: hosts, ...table },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': routerType } }],
  };
  const filters = [{ name: 'envoy.filters.network.http_connection_manager', typed_config }];
  const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
  const static_resources = {
    listeners: [{ name: 'l', address, filter_chains: [{ filters }] }],
    clusters: [...'abcdef'].map((name) => ({ name })),
  };
  const { config } = parse(plain(JSON.stringify({ static_resources })), 'case.json');
  const manager = config.staticResources.listeners[0]?.filterChains[0]?.filters[0]?.config;
  const settings = (manager as HttpConnectionManagerConfig).routeConfig as never;
  return compileRoutes(settings, { filterSlots: new Map(), directBody: dataSourceText });
}

/** What the connection manager makes of a request before a route is looked up. */
function headOf(text: string, given: Given): RequestHead {
  const { method, host, path } = requestOf(text);
  const head = new RequestHead();
  head.method = method;
  // As the codec does: a CONNECT has an authority and no path.
  head.rawPath = method === 'CONNECT' ? '' : path;
  head.rawAuthority = method === 'CONNECT' ? path : host;
  const secure = given.headers?.['x-forwarded-proto'] === 'https';
  head.scheme = secure ? 'https' : 'http';
  if (!secure) head.append('x-forwarded-proto', 'http');
  if (given.internal === true) head.append('x-envoy-internal', 'true');
  for (const [name, values] of Object.entries(given.headers ?? {})) {
    for (const value of [values].flat()) head.append(name.toLowerCase(), plain(value as string));
  }
  return head;
}

/** Runtime values are percentages or weights here. */
function runtimeOf(values: Readonly<Record<string, string>>): Runtime {
  const integer = (key: string, fallback: number) => Number(values[key] ?? fallback);
  return {
    ...NO_RUNTIME,
    get: (key) => values[key],
    integer,
    enabled: (fraction, random) => {
      const percent = values[fraction.runtimeKey];
      return percent === undefined ? NO_RUNTIME.enabled(fraction, random) : random % 100 < Number(percent);
    },
  };
}

function outcome(table: RouteTable, [text, , , given = {}]: Row, answers: RouteCases['answers']): Outcome {
  const head = headOf(text, given);
  const stream = fakeStream({
    random: given.random ?? 0,
    runtime: given.runtime === undefined ? NO_RUNTIME : runtimeOf(given.runtime),
    requestHeaders: head,
    info: { metadata: new Map(Object.entries(given.metadata ?? {})), filterState: new Map() } as never,
  });
  const route = table.route(head, stream);
  if (route === undefined) return { status: 404 };
  const { action } = route;
  if (action.kind === 'redirect') return { status: action.status, location: action.location(head, stream) };
  if (action.kind === 'direct_response') return { status: action.status, body: action.body };
  const cluster = action.cluster === '' ? head.get(action.clusterHeader ?? '') : action.cluster;
  route.finalizeRequest(head, stream, true);
  const response = new ResponseHead();
  for (const [name, value] of Object.entries(answers ?? {})) response.append(name, value);
  route.finalizeResponse(response, stream);
  return {
    ...(cluster === undefined ? {} : { cluster }),
    path: head.path,
    host: head.authority,
    sees: fieldsOf(head),
    responds: fieldsOf(response),
  };
}

function fieldsOf(head: RequestHead | ResponseHead): Record<string, string> {
  const fields: Record<string, string> = {};
  head.forEach((name, value) => {
    fields[name] = name in fields ? `${fields[name]} | ${value}` : value;
  });
  return fields;
}

/** Only what the row names; a field that must be absent is `null` on both sides. */
function named(seen: Outcome, wanted: Outcome): Outcome {
  const only = (from: Outcome['sees'], names: Outcome['sees']) =>
    Object.fromEntries(Object.keys(names ?? {}).map((name) => [name, from?.[name] ?? null]));
  const picked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(wanted) as [keyof Outcome, never][]) {
    picked[name] = name === 'sees' || name === 'responds' ? only(seen[name], value) : seen[name];
  }
  return picked;
}

describe.each(routeCases)('routes: $name', (cases) => {
  let table: RouteTable | undefined;

  it.each(cases.rows.map((row) => ({ request: row[0], why: row[2], row })))('$request: $why', ({ row }) => {
    table ??= compile(cases);
    const wanted = outcomeOf(row[1]);
    const seen = outcome(table, row, cases.answers);
    expect(named(seen, wanted)).toEqual(wanted);
    if (wanted.cluster === undefined && wanted.status !== undefined) expect(seen.cluster).toBeUndefined();
  });
});

it('the route table suite is as large as it was meant to be', () => {
  expect(routeCases.flatMap(({ rows }) => rows).length).toBeGreaterThanOrEqual(400);
  expect(new Set(routeCases.map(({ name }) => name)).size).toBe(routeCases.length);
});
