/** Route tables as a page: what matches, and where it goes. They are shown as they were written. */
import type { DumpedConfig, Json, JsonObject } from '../context.ts';
import { type Cell, escapeHtml, page, table } from '../html.ts';
import { redact } from '../redact.ts';

/** Fields of a route that say what is done, in both spellings of JSON. */
const ACTIONS = new Set(['route', 'redirect', 'direct_response', 'directResponse', 'filter_action', 'filterAction']);

/** One heading per virtual host. */
export function routesPage(configs: Iterable<DumpedConfig>): Iterable<string> {
  return page({ title: 'Routes' }, sections(configs));
}

function* sections(configs: Iterable<DumpedConfig>): Generator<string, void, undefined> {
  for (const dumped of configs) {
    const config = redact(dumped.config);
    const version = dumped.versionInfo === undefined ? '' : `, version ${dumped.versionInfo}`;
    yield `<h2>Route table ${escapeHtml(textOf(config.name) || '(without a name)')}${escapeHtml(version)}</h2>\n`;
    for (const host of objects(config.virtual_hosts ?? config.virtualHosts)) yield* virtualHost(host);
  }
}

function* virtualHost(host: JsonObject): Generator<string, void, undefined> {
  const domains = list(host.domains).map(textOf).join(', ');
  yield `<h3>${escapeHtml(textOf(host.name))} <span class='quiet'>${escapeHtml(domains)}</span></h3>\n`;
  yield* table(['name', 'match', 'action', 'further'], objects(host.routes).map(routeRow));
}

function routeRow(route: JsonObject): Cell[] {
  const action = Object.entries(route).find(([key]) => ACTIONS.has(key));
  const rest = Object.entries(route).filter(([key]) => key !== 'name' && key !== 'match' && key !== action?.[0]);
  return [
    textOf(route.name),
    brief(route.match),
    action === undefined ? { text: 'none', style: 'bad' } : `${action[0]}: ${brief(action[1])}`,
    { text: rest.length === 0 ? '' : brief(Object.fromEntries(rest)), style: 'quiet' },
  ];
}

/** `{"prefix": "/a"}` as `prefix: "/a"`. */
function brief(value: Json | undefined): string {
  if (!isObject(value)) return value === undefined ? '' : JSON.stringify(value);
  return Object.entries(value)
    .map(([key, part]) => `${key}: ${JSON.stringify(part)}`)
    .join(', ');
}

function objects(value: Json | undefined): JsonObject[] {
  return list(value).filter(isObject);
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
