/** What the tests of configuration share: a small registry, and texts with exactly one thing to look at. */
import { expect } from 'vitest';
import { z } from 'zod';
import { defineDiscovery, defineHttpFilter, defineNetworkFilter, defineTerminalHttpFilter } from '../define/index.ts';
import { httpConnectionManager } from '../http-connection-manager.ts';
import { Registry } from '../registry.ts';
import { parseZod } from './extension-config.ts';
import { ConfigError, type SchemaIssue } from './issues.ts';
import { loadConfigText } from './load.ts';
import { message, withDefault } from './message.ts';
import { type ParsedBootstrap, parseBootstrap } from './parse.ts';
import { bool } from './proto-json.ts';

const types = 'type.googleapis.com/envoy.extensions.filters';
export const hcmType = `${types}.network.http_connection_manager.v3.HttpConnectionManager`;
export const routerType = `${types}.http.router.v3.Router`;

const router = defineTerminalHttpFilter({
  name: 'envoy.filters.http.router',
  typeUrl: routerType,
  config: message(
    { suppress_envoy_headers: withDefault(bool(), false) },
    { name: 'envoy.extensions.filters.http.router.v3.Router', known: { start_child_span: 'tracing is not built yet' } },
  ),
  create: () => ({}),
});

const echo = defineNetworkFilter({
  name: 'envoy.filters.network.echo',
  typeUrl: `${types}.network.echo.v3.Echo`,
  config: message({}, { name: 'envoy.extensions.filters.network.echo.v3.Echo' }),
  terminal: true,
  create: () => ({}),
});

const tap = defineNetworkFilter({ name: 'acme.filters.network.tap', config: z.object({}), create: () => ({}) });

/** A filter of the user's own: plain zod, camelCase keys, no type URL. */
const gate = defineHttpFilter({
  name: 'acme.filters.http.gate',
  config: z.object({
    maxWaitMs: z.number().int().default(10),
    mode: z.enum(['open', 'shut']).default('open'),
    limits: z.object({ burstSize: z.number() }).optional(),
  }),
  routeConfig: z.object({ maxWaitMs: z.number() }),
  create: () => ({}),
});

/** A schema of another library. */
const foreign = defineHttpFilter({
  name: 'acme.filters.http.foreign',
  config: {
    '~standard': {
      version: 1,
      vendor: 'acme',
      validate: (value) =>
        (value as { size?: unknown }).size === 1
          ? { value: { size: 1 } }
          : { issues: [{ message: 'must be 1', path: [{ key: 'size' }] }] },
    },
  },
  create: () => ({}),
});

const slow = defineHttpFilter({
  name: 'acme.filters.http.slow',
  config: { '~standard': { version: 1, vendor: 'acme', validate: async () => ({ value: {} }) } },
  create: () => ({}),
});

const dns = defineDiscovery({
  name: 'envoy.cluster.strict_dns',
  types: ['STRICT_DNS'],
  create: () => ({ start: async () => {}, close: () => {} }),
});

/** Everything that the configurations of these tests may name. */
export const registry = new Registry([httpConnectionManager, router, echo, tap, gate, foreign, slow, dns]);

/** Parses a whole configuration. */
export function parse(text: string, file = 'c.yaml'): ParsedBootstrap {
  return parseBootstrap(loadConfigText(text, file), { extensions: registry });
}

/** The lines of the error that a configuration is refused with; none when it is accepted. */
export function problems(text: string, file = 'c.yaml'): string[] {
  try {
    parse(text, file);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
}

/** The problems of one value, as `path: message`. */
export function issuesOf(schema: z.ZodType, value: unknown): string[] {
  return parseZod(schema, value).issues.map(text);
}

function text({ path, message: told, hint }: SchemaIssue): string {
  return `${path.join('.')}${path.length > 0 ? ': ' : ''}${told}${hint === undefined ? '' : ` (${hint})`}`;
}

/** What can be filled into {@link bootstrap}; each is YAML flow text or a line at its place. */
export interface Parts {
  readonly routes?: string;
  readonly filters?: string;
  readonly manager?: string;
  readonly networkFilters?: string;
  readonly clusters?: string;
  readonly virtualHost?: string;
}

/** A configuration of one listener, one virtual host and the cluster `c`; every part stands on its own lines. */
export function bootstrap(parts: Parts = {}): string {
  const {
    routes = '{ match: { prefix: / }, route: { cluster: c } }',
    filters = `{ name: envoy.filters.http.router, typed_config: { "@type": ${routerType} } }`,
    manager = 'stat_prefix: in',
    networkFilters,
    clusters = '{ name: c }',
    virtualHost = 'domains: ["*"]',
  } = parts;
  return `static_resources:
  listeners:
  - name: l
    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
    filter_chains:
    - filters:
${
  networkFilters ??
  `      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": ${hcmType}
          ${manager}
          http_filters:
          - ${filters}
          route_config:
            virtual_hosts:
            - name: v
              ${virtualHost}
              routes:
              - ${routes}`
}
  clusters:
  - ${clusters}
`;
}

/** A value that is accepted, and a part of what becomes of it. */
export type Accepted = readonly [name: string, schema: z.ZodType, value: () => unknown, part: unknown];

/** A value that is refused with exactly these problems. */
export type Refused = readonly [name: string, schema: z.ZodType, value: () => unknown, ...messages: string[]];

/** The rows of a table of refusals, with their messages gathered. */
export function refusals(rows: readonly Refused[]) {
  return rows.map(([name, schema, value, ...messages]) => ({ name, schema, value, messages }));
}

/** Holds one row of {@link Accepted}. */
export function expectAccepted(schema: z.ZodType, value: unknown, part: unknown): void {
  expect(issuesOf(schema, value)).toEqual([]);
  expect(schema.parse(value)).toMatchObject(part as object);
}

/** Holds one row of {@link Refused}. */
export function expectRefused(schema: z.ZodType, value: unknown, messages: readonly string[]): void {
  expect(issuesOf(schema, value)).toEqual(messages);
}
