/** The form of the route table suite: groups of requests against one route configuration, each row with what must come. */

/** Any piece of Envoy configuration, with the field names of its YAML. Clusters are written `<a>`, `<b>` … */
export type Yaml = Readonly<Record<string, unknown>>;

/** A route configuration and the requests that are put to it. */
export interface RouteCases {
  /** Unique, in kebab-case. */
  readonly name: string;
  /** Routes of the one virtual host for every domain. */
  readonly routes?: readonly Yaml[];
  /** More fields of that virtual host. */
  readonly virtualHost?: Yaml;
  /** Virtual hosts instead of the above. */
  readonly virtualHosts?: readonly Yaml[];
  /** More fields of the route configuration. */
  readonly table?: Yaml;
  /** Fields of every upstream's response. */
  readonly answers?: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
}

/** `[METHOD] [http://host]/path`, what must come, why, and what else the request has. */
export type Row = readonly [request: string, outcome: string | Outcome, why: string, given?: Given];

/** What a request has beside method, host and path. */
export interface Given {
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** The stream's random number. */
  readonly random?: number;
  /** Keys of the runtime. */
  readonly runtime?: Readonly<Record<string, string>>;
  /** Dynamic metadata by filter name. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** The request came over TLS. */
  readonly tls?: true;
  /** It came from an internal client. */
  readonly internal?: true;
  /** Why a plain Envoy cannot be asked: chance, metadata, TLS. */
  readonly notOnEnvoy?: string;
}

/**
 * What must come; as text: `a` (the cluster), `a /path`, `a /path host`; `404` for no route; `301 location` for a
 * redirect; `200 body` for a direct response. What is not named is not looked at.
 */
export interface Outcome {
  readonly cluster?: string;
  readonly status?: number;
  readonly location?: string;
  readonly body?: string;
  /** As the upstream sees it. */
  readonly path?: string;
  readonly host?: string;
  /** Request fields at the upstream, lines joined by ` | `; `null` for absent. */
  readonly sees?: Readonly<Record<string, string | null>>;
  /** Response fields that the route decides, likewise. */
  readonly responds?: Readonly<Record<string, string | null>>;
}

/** The outcome that a row tells as text or as an object. */
export function outcomeOf(written: string | Outcome): Outcome {
  if (typeof written !== 'string') return written;
  const [first = '', ...rest] = written.split(' ');
  if (!/^\d{3}$/.test(first)) {
    const [path, host] = rest;
    return { cluster: first, ...(path === undefined ? {} : { path }), ...(host === undefined ? {} : { host }) };
  }
  const status = Number(first);
  if (rest.length === 0) return { status };
  return status >= 300 && status < 400 ? { status, location: rest.join(' ') } : { status, body: rest.join(' ') };
}

/** A request line's parts. */
export function requestOf(text: string): { readonly method: string; readonly host: string; readonly path: string } {
  const [, method = 'GET', host = 'h.test', path = '/'] =
    /^(?:([A-Z]+) )?(?:http:\/\/([^/?#]*))?(.*)$/s.exec(text) ?? [];
  return { method, host, path };
}

/** A route to a cluster. */
export function to(match: Yaml, cluster = '<a>', action: Yaml = {}, rest: Yaml = {}): Yaml {
  return { match, route: { cluster, ...action }, ...rest };
}

/** A route for a prefix. */
export function prefix(text: string, cluster = '<a>', action: Yaml = {}, rest: Yaml = {}): Yaml {
  return to({ prefix: text }, cluster, action, rest);
}

/** One condition leads to `a`, all else to `b`. */
export function either(match: Yaml): readonly Yaml[] {
  return [to({ prefix: '/', ...match }), prefix('/', '<b>')];
}

/** An entry of `request_headers_to_add` and its sibling. */
export function add(key: string, value: string, append_action?: string, rest: Yaml = {}): Yaml {
  return { header: { key, value }, ...(append_action === undefined ? {} : { append_action }), ...rest };
}
