/** Assertions on what a configuration does with a request: no sockets, no upstreams, no waiting. */
import {
  createProxy,
  type ExplainRequest,
  type Explanation,
  type Extension,
  formatExplanation,
  type HeaderLine,
  type ProxyOptions,
  parseRequestLine,
} from '@mesh/core';
import { router } from '@mesh/filters-http';
import { type HeadersInput, toLines } from '../bytes.ts';

/** The path of an Envoy bootstrap, the same as an object, or what code has built (`{ listeners, clusters }`). */
export type ConfigUnderTest = string | object | Pick<ProxyOptions, 'listeners' | 'clusters'>;

/** Options of {@link explain}: the request's fields, and what the configuration may name besides the router. */
export interface ExplainOptions extends Omit<ExplainRequest, 'url' | 'method' | 'headers'> {
  readonly headers?: HeadersInput;
  readonly extensions?: readonly Extension[];
}

/**
 * Tells what a proxy with this configuration would do with a request, and why. `request` is `[METHOD ]URL`.
 * @throws ConfigError for a bad configuration, ExplainError for a request that is none.
 *
 * @example (await explain('front.yaml', 'GET http://front.example/api')).cluster?.name
 */
export async function explain(
  config: ConfigUnderTest,
  request: string,
  options: ExplainOptions = {},
): Promise<Explanation> {
  const { headers, extensions = [], ...rest } = options;
  const others = extensions.filter(({ name }) => name !== router.name);
  const proxy = await createProxy({ ...proxyOptions(config), extensions: [router, ...others] });
  try {
    return proxy.explain({ ...parseRequestLine(request), headers: toLines(headers), ...rest });
  } finally {
    await proxy.close();
  }
}

function proxyOptions(config: ConfigUnderTest): ProxyOptions {
  if (typeof config !== 'string' && 'listeners' in config) return config as ProxyOptions;
  return { config: config as string | object };
}

/** What the upstream must get, apart from the request coming to the right cluster. */
export interface ReachOptions {
  readonly path?: string;
  readonly host?: string;
  /** Fields that must be there with these values; `undefined` must be absent. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Name of the route, or `virtual host/name`. */
  readonly route?: string;
}

/** What is expected of one request; every method throws an error whose message is the whole explanation. */
export class RouteExpectation {
  private readonly ask: () => Promise<Explanation>;

  /** @internal */
  constructor(ask: () => Promise<Explanation>) {
    this.ask = ask;
  }

  /** It is forwarded to this cluster, in this form. */
  async toReach(cluster: string, expected: ReachOptions = {}): Promise<Explanation> {
    const seen = await this.ask();
    const { upstreamRequest, route, virtualHost } = seen;
    const names = [route?.name, `${virtualHost?.name}/${route?.name}`];
    check(seen, [
      ['outcome', 'forward', seen.outcome],
      ['cluster', cluster, seen.cluster?.name],
      ...(expected.path === undefined ? [] : [['path', expected.path, upstreamRequest?.path] as const]),
      ...(expected.host === undefined ? [] : [['host', expected.host, upstreamRequest?.host] as const]),
      ...(expected.route === undefined || names.includes(expected.route)
        ? []
        : [['route', expected.route, route?.name] as const]),
      ...headerChecks(expected.headers, upstreamRequest?.headers ?? []),
    ]);
    return seen;
  }

  /** It is answered with a redirect to this location. */
  async toRedirect(location: string, status?: number): Promise<Explanation> {
    const seen = await this.ask();
    check(seen, [
      ['outcome', 'redirect', seen.outcome],
      ...headerChecks({ location }, seen.response?.headers ?? []),
      ...(status === undefined ? [] : [['status', status, seen.response?.status] as const]),
    ]);
    return seen;
  }

  /** The proxy answers it itself: a direct response, 404 for want of a route, a refusal. */
  async toAnswer(status: number, body?: string): Promise<Explanation> {
    const seen = await this.ask();
    check(seen, [
      ['status', status, seen.outcome === 'forward' && !seen.cluster?.missing ? 'forwarded' : seen.response?.status],
      ...(body === undefined ? [] : [['body', body, seen.response?.body] as const]),
    ]);
    return seen;
  }
}

/**
 * Expects something of a request.
 * @example
 * await expectRoute('front.yaml', 'GET http://front.example/api/users').toReach('users', { path: '/users' });
 * await expectRoute('front.yaml', 'http://front.example/old').toRedirect('http://front.example/new', 301);
 * await expectRoute('front.yaml', 'http://other.example/').toAnswer(404);
 */
export function expectRoute(config: ConfigUnderTest, request: string, options: ExplainOptions = {}): RouteExpectation {
  return new RouteExpectation(() => explain(config, request, options));
}

type Check = readonly [what: string, expected: unknown, actual: unknown];

function headerChecks(expected: ReachOptions['headers'] = {}, lines: readonly HeaderLine[]): Check[] {
  return Object.entries(expected).map(([name, value]) => {
    const found = lines.filter(([line]) => line === name.toLowerCase()).map(([, one]) => one);
    return [`header ${name}`, value, found.length === 0 ? undefined : found.join(', ')];
  });
}

function check(seen: Explanation, checks: readonly Check[]): void {
  const wrong = checks.filter(([, expected, actual]) => expected !== actual);
  if (wrong.length === 0) return;
  const lines = wrong.map(([what, expected, actual]) => `${what}: expected ${show(expected)}, got ${show(actual)}`);
  throw new Error(`${lines.join('\n')}\n\n${formatExplanation(seen)}`);
}

function show(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}
