/** What a scenario is: a piece of Envoy configuration, upstreams that do as told, requests, and what is compared. */
import type { Behaviour } from '@mesh/testing';
import type { StartServer } from './server.ts';
import type { Talk } from './talk.ts';

/** Any piece of Envoy configuration, with the field names of its YAML. */
export type Yaml = Readonly<Record<string, unknown>>;

/**
 * One scenario. It has a listener, a route table and clusters of its own, so that nothing is shared with another.
 *
 * Clusters are written `<a>`, `<b>` … anywhere in configuration and requests: each stands for a cluster of this scenario
 * with one upstream that answers its letter. `<refused>` has a host that refuses connections, `<empty>` has none, and any
 * other name has to be configured in `clusters`.
 */
export interface Scenario {
  /** Unique, in kebab-case; names the listener and the statistics. */
  readonly name: string;
  /** What would go wrong, or which rule of Envoy it shows. */
  readonly why: string;
  /** Routes of the one virtual host for every domain. */
  readonly routes?: readonly Yaml[];
  /** More fields of that virtual host. */
  readonly virtualHost?: Yaml;
  /** Virtual hosts instead of the above. */
  readonly virtualHosts?: readonly Yaml[];
  /** More fields of the route configuration. */
  readonly table?: Yaml;
  /** More fields of the connection manager. */
  readonly manager?: Yaml;
  /** More fields of the listener; a filter `'<manager>'` stands for the connection manager of this scenario. */
  readonly listener?: Yaml;
  /** Fields of the router filter. */
  readonly router?: Yaml;
  /** More fields of clusters, and those that have several hosts: `{ pair: { hosts: ['a', 'b'] } }`. */
  readonly clusters?: Readonly<Record<string, ClusterPart>>;
  /** What the upstreams do, by letter; default: 200 with the letter as body. */
  readonly upstreams?: Readonly<Record<string, Behaviour>>;
  /** Keys of the static runtime layer; they are seen by all scenarios. */
  readonly runtime?: Yaml;
  /** Upstreams that speak something else than HTTP/1.1, by letter. */
  readonly servers?: Readonly<Record<string, StartServer>>;
  readonly requests: readonly (string | RequestSpec)[];
  /** Conversations that are more than HTTP/1.1 requests, behind those. */
  readonly talks?: readonly Talk[];
  /** Statistics to compare, e.g. `http.no_route`, `cluster.a.upstream_rq_retry`. */
  readonly counters?: readonly string[];
  /** Replaced before comparing, beyond what `normalize.ts` does: what depends on time or chance. */
  readonly masks?: readonly (readonly [RegExp, string])[];
  /** What must come of each request, said here so that it does not rest on the recording alone. */
  readonly expect?: readonly Expected[];
}

/** Settings of a cluster, and the upstreams that are its hosts. */
export interface ClusterPart extends Yaml {
  readonly hosts?: readonly string[];
}

/** One request; as text, `/path`, `METHOD /path` or `METHOD http://host/path`. */
export interface RequestSpec {
  /** Default GET. */
  readonly method?: string;
  /** Default `/`. */
  readonly path?: string;
  /** Default `h.test`. */
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Sent with its content-length. */
  readonly body?: string;
  /** Exactly these bytes instead of all of the above. */
  readonly raw?: string;
  /** More bytes, each sent so many milliseconds after what came before. */
  readonly later?: readonly (readonly [afterMs: number, bytes: string])[];
  /** Bytes to read behind the last response, of what became of the connection. */
  readonly reads?: number;
  /** Goes on the connection of the request before. */
  readonly sameConnection?: true;
  /** Responses to wait for. Default 1. */
  readonly responses?: number;
  /** Waits for the end of the connection and writes down that it came. */
  readonly untilClosed?: true;
  /** Requests that upstreams must have received before the exchange is over (mirrors, retries). */
  readonly upstreamRequests?: number;
}

/** Expectations on one exchange; what is not named is not looked at. */
export interface Expected {
  readonly status?: number;
  readonly body?: string;
  /** Response fields: a value, or `null` for absent. */
  readonly headers?: Readonly<Record<string, string | null>>;
  /** Letters of the clusters that were asked, in order. */
  readonly clusters?: readonly string[];
  /** The request as the (first) upstream saw it. */
  readonly path?: string;
  readonly host?: string;
  /** Request fields at the upstream: a value, or `null` for absent. */
  readonly sees?: Readonly<Record<string, string | null>>;
}

/** A route for a prefix to a cluster. */
export function prefix(text: string, cluster = '<a>', action: Yaml = {}, rest: Yaml = {}): Yaml {
  return { match: { prefix: text }, route: { cluster, ...action }, ...rest };
}

/** The catch-all to `<a>`. */
export const TO_A = prefix('/');

/** `headers_to_add` entries. */
export function add(key: string, value: string, append_action?: string, rest: Yaml = {}): Yaml {
  return { header: { key, value }, ...(append_action === undefined ? {} : { append_action }), ...rest };
}
