/** Splits a stat name into a family name and tags, with Envoy's default extractors: `cluster.a.upstream_rq_200` → `cluster.upstream_rq`, code 200, cluster a. */

/** One extracted tag. */
export interface Tag {
  readonly name: string;
  readonly value: string;
}

/** A name without its tags, and the tags in the order Envoy prints them. */
export interface TaggedName {
  readonly name: string;
  readonly tags: readonly Tag[];
}

/** One entry of `stats_config.stats_tags`. */
export interface TagSpecifier {
  readonly tagName: string;
  /** Group 1 leaves the name, group 2 (or group 1 when alone) is the value. With neither of the two: Envoy's default. */
  readonly regex?: RegExp;
  /** A tag that every metric gets. */
  readonly fixedValue?: string;
}

/** Options of {@link TagExtractor}. */
export interface TagExtractorOptions {
  readonly specifiers?: readonly TagSpecifier[];
  /** Default true (`use_all_default_tags`). */
  readonly useDefaults?: boolean;
  /** Tags that every metric gets (`--stats-tag`). */
  readonly fixed?: readonly Tag[];
}

/** Finds a tag in a name, or gives every name the same one. */
type Extractor = { readonly tag: string; readonly regex: RegExp } | { readonly tag: string; readonly value: string };

const TOKEN = '[^.]+';
const ADDRESS = String.raw`(?:\d+\.\d+\.\d+\.\d+_\d+|\[[^\]]*\]_\d+|[^.]+)`;

/** Envoy's extractors, most specific first. Group 1 is cut out of the name, group 2 is the value. */
const DEFAULTS: readonly (readonly [tag: string, pattern: string])[] = [
  ['envoy.response_code', String.raw`_rq(_(\d{3}))$`],
  ['envoy.response_code_class', String.raw`_rq_((\d))xx$`],
  ['envoy.http_user_agent', String.raw`^http\.${TOKEN}\.user_agent\.((${TOKEN})\.)`],
  ['envoy.virtual_cluster', String.raw`^vhost\.${TOKEN}\.vcluster\.((${TOKEN})\.)`],
  ['envoy.fault_downstream_cluster', String.raw`^http\.${TOKEN}\.fault\.((${TOKEN})\.)`],
  ['envoy.grpc_bridge_method', String.raw`^cluster\.${TOKEN}\.grpc\.${TOKEN}\.((${TOKEN})\.)`],
  ['envoy.grpc_bridge_service', String.raw`^cluster\.${TOKEN}\.grpc\.((${TOKEN})\.)`],
  ['envoy.ssl_cipher', String.raw`^(?:listener|cluster)\..*?\.ssl\.ciphers?(\.([^.]+))$`],
  ['envoy.ssl_version', String.raw`^(?:listener|cluster)\..*?\.ssl\.versions(\.(.+))$`],
  ['envoy.ssl_curve', String.raw`^(?:listener|cluster)\..*?\.ssl\.curves(\.([^.]+))$`],
  ['envoy.ssl_sigalg', String.raw`^(?:listener|cluster)\..*?\.ssl\.sigalgs(\.([^.]+))$`],
  ['envoy.tcp_prefix', String.raw`^tcp\.((${TOKEN})\.)`],
  ['envoy.udp_prefix', String.raw`^udp\.((${TOKEN})\.)`],
  ['envoy.clientssl_prefix', String.raw`^auth\.clientssl\.((${TOKEN})\.)`],
  ['envoy.ratelimit_prefix', String.raw`^ratelimit\.((${TOKEN})\.)`],
  ['envoy.cluster_name', String.raw`^cluster\.((${TOKEN})\.)`],
  ['envoy.ext_authz_prefix', String.raw`^cluster\.${TOKEN}\.ext_authz\.((${TOKEN})\.)`],
  ['envoy.rbac_http_prefix', String.raw`^http\.${TOKEN}\.rbac\.((${TOKEN})\.)`],
  ['envoy.ext_authz_prefix', String.raw`^http\.${TOKEN}\.ext_authz\.((${TOKEN})\.)`],
  ['envoy.http_conn_manager_prefix', String.raw`^listener\..*?\.http\.((${TOKEN})\.)`],
  ['envoy.http_conn_manager_prefix', String.raw`^http\.((${TOKEN})\.)`],
  ['envoy.worker_id', String.raw`^listener\.${ADDRESS}\.worker_((\d+)\.)`],
  ['envoy.worker_id', String.raw`^(?:server|listener_manager|thread_local_cluster_manager)\.worker_((\d+)\.)`],
  ['envoy.listener_address', String.raw`^listener\.(?!admin\.)((${ADDRESS})\.)`],
  ['envoy.virtual_host', String.raw`^vhost\.((${TOKEN})\.)`],
  ['envoy.route', String.raw`^vhost\.${TOKEN}\.route\.((${TOKEN})\.)`],
  ['envoy.mongo_prefix', String.raw`^mongo\.((${TOKEN})\.)`],
  ['envoy.rds_route_config', String.raw`^http\.${TOKEN}\.rds\.((.+?)\.)\w+$`],
  ['envoy.scoped_rds_config', String.raw`^http\.${TOKEN}\.scoped_rds\.((.+?)\.)\w+$`],
  ['envoy.thrift_prefix', String.raw`^thrift\.((${TOKEN})\.)`],
  ['envoy.redis_prefix', String.raw`^redis\.((${TOKEN})\.)`],
  ['envoy.local_http_ratelimit_prefix', String.raw`^((${TOKEN})\.)http_local_rate_limit\.`],
  ['envoy.local_network_ratelimit_prefix', String.raw`^local_rate_limit\.((${TOKEN})\.)`],
  ['envoy.local_listener_ratelimit_prefix', String.raw`^listener_local_ratelimit\.((${TOKEN})\.)`],
  ['envoy.dns_filter_prefix', String.raw`^dns_filter\.((${TOKEN})\.)`],
  ['envoy.connection_limit_prefix', String.raw`^connection_limit\.((${TOKEN})\.)`],
  ['envoy.rbac_prefix', String.raw`^((${TOKEN})\.)rbac\.`],
  ['envoy.proxy_protocol_prefix', String.raw`^proxy_proto\.((?!versions\.)(${TOKEN})\.)`],
  ['envoy.proxy_protocol_version', String.raw`^proxy_proto\.(?:.+\.)?(versions\.v(\d)\.)`],
];

/** Tags for which there is an extractor of Envoy's. */
export const DEFAULT_TAGS: ReadonlySet<string> = new Set(DEFAULTS.map(([tag]) => tag));

/** As in Envoy, patterns that name the first part of a name are tried behind those that do not. */
const FIRST_PART = /^\^[A-Za-z0-9_]+(?:\\\.|\(\?=\\\.\)|\$$)/;

/** Finds the tags of names; results are remembered per metric, since names never change. */
export class TagExtractor {
  private readonly extractors: readonly Extractor[];
  private readonly known = new WeakMap<object, TaggedName>();

  constructor(options: TagExtractorOptions = {}) {
    const defaults = options.useDefaults === false ? [] : DEFAULTS.map(defaultExtractor);
    const fixed = (options.fixed ?? []).map(({ name, value }) => ({ tag: name, value }));
    const all = [...defaults, ...fixed, ...(options.specifiers ?? []).flatMap(extractorsOf)];
    this.extractors = [...all.filter((each) => !hasFirstPart(each)), ...all.filter(hasFirstPart)];
  }

  /** The tagged name of a metric. */
  of(metric: { readonly name: string }): TaggedName {
    let tagged = this.known.get(metric);
    if (tagged === undefined) {
      tagged = this.extract(metric.name);
      this.known.set(metric, tagged);
    }
    return tagged;
  }

  /** Takes the tags of a metric as given; only fixed ones are added. */
  know(metric: object, { name, tags }: TaggedName): void {
    const fixed = this.extractors.flatMap((each) => ('value' in each ? [{ name: each.tag, value: each.value }] : []));
    this.known.set(metric, { name, tags: [...fixed, ...tags] });
  }

  /** The tagged form of a name. Every extractor sees the whole name, so their order does not change what they find. */
  extract(name: string): TaggedName {
    const tags: Tag[] = [];
    const cut: [start: number, end: number][] = [];
    for (const extractor of this.extractors) {
      if (tags.some((found) => found.name === extractor.tag)) continue;
      if ('value' in extractor) {
        tags.push({ name: extractor.tag, value: extractor.value });
        continue;
      }
      const match = extractor.regex.exec(name);
      const removed = match?.indices?.[1];
      if (match === null || removed === undefined) continue;
      tags.push({ name: extractor.tag, value: match[2] ?? match[1] ?? '' });
      cut.push(removed);
    }
    return { name: without(name, cut), tags };
  }
}

function defaultExtractor([tag, pattern]: (typeof DEFAULTS)[number]): Extractor {
  return { tag, regex: new RegExp(pattern, 'd') };
}

function extractorsOf({ tagName, regex, fixedValue }: TagSpecifier): Extractor[] {
  if (fixedValue !== undefined) return [{ tag: tagName, value: fixedValue }];
  if (regex !== undefined)
    return [{ tag: tagName, regex: new RegExp(regex.source, `d${regex.flags.replace('d', '')}`) }];
  return DEFAULTS.filter(([tag]) => tag === tagName).map(defaultExtractor);
}

function hasFirstPart(extractor: Extractor): boolean {
  return 'regex' in extractor && FIRST_PART.test(extractor.regex.source);
}

function without(name: string, cut: [start: number, end: number][]): string {
  cut.sort((a, b) => a[0] - b[0]);
  let rest = '';
  let position = 0;
  for (const [start, end] of cut) {
    if (start > position) rest += name.slice(position, start);
    position = Math.max(position, end);
  }
  return rest + name.slice(position);
}

/** Extracts Envoy's default tags and nothing else. */
export const defaultTags: TagExtractor = new TagExtractor();
