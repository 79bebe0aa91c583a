/** The 2018 (v2) form of a connection manager's tracing: what v3 says elsewhere, or in other words. */
import { type RawMap, rawMap, type SourceMap } from './source-map.ts';

/**
 * Rewrites `tracing` of a connection manager in `listener`. Its `operation_name` becomes the listener's direction, which
 * comes first where it is written as well, as in Envoy; one that contradicts another of this listener stays to be refused.
 */
export function upgradeTracing(tracing: RawMap, listener: RawMap, sources: SourceMap): void {
  direction(tracing, listener, sources);
  requestHeaders(tracing, sources);
}

/** Listeners whose direction was taken from `operation_name`. */
const directed = new WeakMap<RawMap, string>();

function direction(tracing: RawMap, listener: RawMap, sources: SourceMap): void {
  const key = tracing.operation_name === undefined ? 'operationName' : 'operation_name';
  const name = tracing[key];
  if (typeof name !== 'string' || !/^(?:ingress|egress)$/i.test(name)) return;
  const wanted = name.toUpperCase() === 'EGRESS' ? 'OUTBOUND' : 'UNSPECIFIED';
  const given = listener.traffic_direction ?? listener.trafficDirection;
  if (given !== undefined && directed.get(listener) === undefined) {
    delete tracing[key];
    return;
  }
  const before = directed.get(listener) ?? wanted;
  directed.set(listener, before);
  if (before !== wanted) return;
  sources.copy(sources, tracing, key, listener, 'traffic_direction');
  listener.traffic_direction = wanted;
  delete tracing[key];
}

/** Each becomes a custom tag of its own name. */
function requestHeaders(tracing: RawMap, sources: SourceMap): void {
  const key = tracing.request_headers_for_tags === undefined ? 'requestHeadersForTags' : 'request_headers_for_tags';
  const names = tracing[key];
  if (!Array.isArray(names)) return;
  const own = tracing.custom_tags ?? tracing.customTags;
  const tags: unknown[] = Array.isArray(own) ? own : [];
  for (const [index, name] of names.entries()) {
    const header = rawMap([['name', name]]);
    const tag = rawMap([
      ['tag', name],
      ['request_header', header],
    ]);
    for (const [node, field] of [
      [header, 'name'],
      [tag, 'tag'],
      [tag, 'request_header'],
    ] as const) {
      sources.copy(sources, names, index, node, field);
    }
    sources.copy(sources, names, index, tags, tags.length);
    tags.push(tag);
  }
  if (!Array.isArray(own)) {
    sources.copy(sources, tracing, key, tracing, 'custom_tags');
    tracing.custom_tags = tags;
  }
  delete tracing[key];
}
