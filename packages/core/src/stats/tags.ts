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

/** Finds a tag in a name. */
interface Finder {
  readonly tag: string;
  readonly find: (name: string) => Found | undefined;
  /** First parts of the names that it can find anything in; undefined: it has to look at each. */
  readonly firstParts: readonly string[] | undefined;
  /** Whether Envoy tries it behind those that do not name the first part. */
  readonly late: boolean;
  /** Whether it is one of Envoy's. */
  readonly standard: boolean;
}

/** A tag's value, and what is cut out of the name for it. */
interface Found {
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** Finds a tag in a name, or gives every name the same one. */
type Extractor = Finder | Tag;

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

/** How the patterns above say what a name begins with. */
const FIRST_PARTS = /^\^(?:([a-z_]+)|\(\?:([a-z_|]+)\))\\\./;

/** Where the first group that captures begins. */
const FIRST_GROUP = /\((?!\?)/;

/** Shapes of clusters' metrics that are remembered: far more than there are kinds of them, unless their names have dots. */
const MAX_SHAPES = 4096;

const CLUSTER = 'cluster.';
const CLUSTER_NAME = 'envoy.cluster_name';

/** What Envoy takes for a prefix wherever it stands; a cluster of this name is no cluster like the others. */
const AMBIGUOUS_NAMES: ReadonlySet<string> = new Set(['rbac', 'http_local_rate_limit', '']);

/** What is found in all names that differ in nothing but the cluster's name. */
export interface NameShape {
  readonly name: string;
  readonly tags: readonly Tag[];
  /** Which of the tags is the cluster's name. */
  readonly clusterAt: number;
  /** How Prometheus has the tags before and behind the cluster's name, once it was asked for. */
  labels: readonly [before: string, behind: string] | undefined;
}

/** The cluster in a name that has a {@link NameShape}. */
export function clusterIn(name: string): string {
  return name.slice(CLUSTER.length, name.indexOf('.', CLUSTER.length));
}

/** Finds the tags of names. */
export class TagExtractor {
  private readonly extractors: readonly Extractor[];
  /** The extractors that can find something in names that begin with a part; those for all other names under ''. */
  private readonly byFirstPart = new Map<string, readonly Extractor[]>();
  /** By what follows the cluster's name. Undefined when an extractor may look at the cluster's name itself. */
  private readonly shapes: Map<string, NameShape> | undefined;
  /** Only those that were told. */
  private readonly known = new WeakMap<object, TaggedName>();

  constructor(options: TagExtractorOptions = {}) {
    const defaults = options.useDefaults === false ? [] : DEFAULTS.map(defaultFinder);
    const all = [...defaults, ...(options.fixed ?? []), ...(options.specifiers ?? []).flatMap(extractorsOf)];
    this.extractors = [...all.filter((each) => !isLate(each)), ...all.filter(isLate)];
    for (const part of ['', ...this.extractors.flatMap((each) => firstPartsOf(each) ?? [])]) {
      this.byFirstPart.set(
        part,
        this.extractors.filter((each) => firstPartsOf(each)?.includes(part) ?? true),
      );
    }
    this.shapes = this.extractors.every((each) => !('find' in each) || each.standard) ? new Map() : undefined;
  }

  /** The tagged name of a metric. */
  of(metric: { readonly name: string }): TaggedName {
    return this.known.get(metric) ?? this.extract(metric.name);
  }

  /** Takes the tags of a metric as given; only fixed ones are added. */
  know(metric: object, { name, tags }: TaggedName): void {
    const fixed = this.extractors.flatMap((each) => ('find' in each ? [] : [each]));
    this.known.set(metric, { name, tags: [...fixed, ...tags] });
  }

  /** The tagged form of a name. */
  extract(name: string): TaggedName {
    const shape = this.shape(name);
    if (shape === undefined) return this.extractAnew(name);
    const tags = shape.tags.slice();
    tags[shape.clusterAt] = { name: CLUSTER_NAME, value: clusterIn(name) };
    return { name: shape.name, tags };
  }

  /** The shape that a cluster's metric has in common with those of other clusters; undefined: see {@link of}. */
  shapeOf(metric: { readonly name: string }): NameShape | undefined {
    return this.known.has(metric) ? undefined : this.shape(metric.name);
  }

  /** With a million metrics of clusters only the cluster's name is new in nearly all of them. */
  private shape(name: string): NameShape | undefined {
    if (this.shapes === undefined || !name.startsWith(CLUSTER)) return undefined;
    const end = name.indexOf('.', CLUSTER.length);
    if (end < 0) return undefined;
    const cluster = name.slice(CLUSTER.length, end);
    if (AMBIGUOUS_NAMES.has(cluster)) return undefined;
    const rest = name.slice(end);
    return this.shapes.get(rest) ?? this.learn(this.shapes, name, rest, cluster);
  }

  private learn(shapes: Map<string, NameShape>, name: string, rest: string, cluster: string): NameShape | undefined {
    const tagged = this.extractAnew(name);
    const clusterAt = tagged.tags.findIndex((tag) => tag.name === CLUSTER_NAME && tag.value === cluster);
    if (clusterAt < 0) return undefined;
    if (shapes.size >= MAX_SHAPES) shapes.clear();
    const shape = { name: tagged.name, tags: tagged.tags, clusterAt, labels: undefined };
    shapes.set(rest, shape);
    return shape;
  }

  /** Every extractor sees the whole name, so their order does not change what they find. */
  private extractAnew(name: string): TaggedName {
    const dot = name.indexOf('.');
    const extractors = this.byFirstPart.get(name.slice(0, Math.max(0, dot))) ?? this.byFirstPart.get('') ?? [];
    const tags: Tag[] = [];
    const cut: [start: number, end: number][] = [];
    for (const extractor of extractors) {
      if (!('find' in extractor)) {
        if (!isIn(tags, extractor.name)) tags.push(extractor);
        continue;
      }
      if (isIn(tags, extractor.tag)) continue;
      const found = extractor.find(name);
      if (found === undefined) continue;
      tags.push({ name: extractor.tag, value: found.value });
      cut.push([found.start, found.end]);
    }
    return { name: without(name, cut), tags };
  }
}

function isIn(tags: readonly Tag[], name: string): boolean {
  return tags.some((found) => found.name === name);
}

function isLate(extractor: Extractor): boolean {
  return 'find' in extractor && extractor.late;
}

function firstPartsOf(extractor: Extractor): readonly string[] | undefined {
  return 'find' in extractor ? extractor.firstParts : undefined;
}

/** What stands before the first group gets a group too, whose length is cheaper to have than indices. */
function defaultFinder([tag, pattern]: (typeof DEFAULTS)[number]): Finder {
  const at = pattern.search(FIRST_GROUP);
  const regex = new RegExp(`(${pattern.slice(0, at)})${pattern.slice(at)}`);
  const [, one, several] = FIRST_PARTS.exec(pattern) ?? [];
  return {
    tag,
    firstParts: (one ?? several)?.split('|'),
    late: FIRST_PART.test(pattern),
    standard: true,
    find: (name) => {
      const match = regex.exec(name);
      if (match === null) return undefined;
      const [, before = '', cut = '', value = ''] = match;
      const start = match.index + before.length;
      return { value, start, end: start + cut.length };
    },
  };
}

function givenFinder(tag: string, { source, flags }: RegExp): Finder {
  const regex = new RegExp(source, `d${flags.replace('d', '')}`);
  return {
    tag,
    firstParts: undefined,
    late: FIRST_PART.test(source),
    standard: false,
    find: (name) => {
      const match = regex.exec(name);
      const cut = match?.indices?.[1];
      if (match === null || cut === undefined) return undefined;
      return { value: match[2] ?? match[1] ?? '', start: cut[0], end: cut[1] };
    },
  };
}

function extractorsOf({ tagName, regex, fixedValue }: TagSpecifier): Extractor[] {
  if (fixedValue !== undefined) return [{ name: tagName, value: fixedValue }];
  if (regex !== undefined) return [givenFinder(tagName, regex)];
  return DEFAULTS.filter(([tag]) => tag === tagName).map(defaultFinder);
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
