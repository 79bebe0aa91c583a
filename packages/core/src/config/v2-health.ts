/** Health checks in the form of 2018: `service_name`, `use_http2`, and the filter's `endpoint`. */
import { isMap, type RawMap, rawMap, type SourceMap } from './source-map.ts';

/** Rewrites the `health_checks` of a cluster in place. */
export function upgradeHealthChecks(checks: unknown, sources: SourceMap): void {
  if (!Array.isArray(checks)) return;
  for (const check of checks) {
    if (!isMap(check)) continue;
    const http = check.http_health_check ?? check.httpHealthCheck;
    if (!isMap(http)) continue;
    rename(http, ['use_http2', 'useHttp2'], 'codec_client_type', sources, (value) => (value ? 'HTTP2' : 'HTTP1'));
    rename(http, ['service_name', 'serviceName'], 'service_name_matcher', sources, (value, key) => {
      const matcher = rawMap([['prefix', value]]);
      sources.copy(sources, http, key, matcher, 'prefix');
      return matcher;
    });
    // A payload of its own was the only one that could be expected.
    if (isMap(http.receive)) {
      const list = [http.receive];
      sources.copy(sources, http, 'receive', list, 0);
      http.receive = list;
    }
  }
}

/** Rewrites the config of `envoy.health_check` in place: the endpoint is a condition on the path. */
export function upgradeHealthCheckFilter(config: unknown, sources: SourceMap): void {
  if (!isMap(config)) return;
  rename(config, ['endpoint'], 'headers', sources, (value, key) => {
    const matcher = rawMap([
      ['name', ':path'],
      ['exact_match', value],
    ]);
    sources.copy(sources, config, key, matcher, 'exact_match');
    const others = Array.isArray(config.headers) ? config.headers.filter((each) => !isPath(each)) : [];
    return [matcher, ...others];
  });
}

function isPath(matcher: unknown): boolean {
  return isMap(matcher) && matcher.name === ':path';
}

function rename(
  node: RawMap,
  from: readonly string[],
  to: string,
  sources: SourceMap,
  convert: (value: unknown, key: string) => unknown,
): void {
  for (const key of from) {
    const value = node[key];
    if (value === undefined || value === null || value === '') continue;
    const converted = convert(value, key);
    sources.copy(sources, node, key, node, to);
    delete node[key];
    node[to] = converted;
  }
}
