/** A route configuration, compiled: request head → route. All thinking is done when the configuration arrives. */
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { Route } from '../api/route.ts';
import { CompiledRoute, type CompileOptions, RouteContext } from './compiled-route.ts';
import { type RouteList, routeList } from './route-list.ts';
import type { RouteTableSettings, VirtualHostSettings } from './settings.ts';
import { withoutPort } from './text.ts';
import { needsTls, TlsRedirectRoute } from './tls-redirect.ts';
import { DomainTable } from './virtual-hosts.ts';

/** One virtual host with its routes in list order. */
export interface CompiledVirtualHost {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes: readonly CompiledRoute[];
  /** What requests without TLS get instead of a route, where `require_tls` asks for it of them. */
  readonly tlsRedirect: TlsRedirectRoute | undefined;
}

/** A compiled route table. Replaced as a whole when the configuration changes; requests keep the one they began with. */
export interface RouteTable {
  readonly name: string;
  readonly virtualHosts: readonly CompiledVirtualHost[];
  /**
   * The first matching route of the request's virtual host: a `CompiledRoute`, or a `TlsRedirectRoute` where the host
   * demands TLS. `undefined` is answered 404 (flag NR).
   */
  route(headers: RequestHeaders, stream: HttpStream): Route | undefined;
  /** The virtual host of a request, whether or not one of its routes matches. */
  hostOf(headers: RequestHeaders): CompiledVirtualHost | undefined;
  /** The virtual host for a host (with its port, if any), whether or not one of its routes matches. */
  virtualHost(authority: string): CompiledVirtualHost | undefined;
}

/**
 * Compiles a route configuration that has passed its schema.
 * @throws TypeError naming the virtual host and route whose settings cannot be compiled.
 *
 * @example
 * const table = compileRoutes(config, { filterSlots: new Map([['gate', 0]]), directBody: (source) => read(source) });
 * table.route(headers, stream)?.action; // { kind: 'forward', cluster: 'service1', … }
 */
export function compileRoutes(settings: RouteTableSettings, options: CompileOptions): RouteTable {
  return new Table(settings, options);
}

class Table implements RouteTable {
  readonly name: string;
  readonly virtualHosts: readonly VirtualHost[];
  private readonly domains = new DomainTable<VirtualHost>();
  private readonly ignorePort: boolean;
  /** Lower case; '' for the host of the request. */
  private readonly hostHeader: string;

  constructor(settings: RouteTableSettings, options: CompileOptions) {
    this.name = settings.name;
    this.ignorePort = settings.ignorePortInHostMatching ?? false;
    this.hostHeader = (settings.vhostHeader ?? '').toLowerCase();
    this.virtualHosts = settings.virtualHosts.map((each) => {
      const host = new VirtualHost(each, settings, options);
      for (const domain of each.domains) this.domains.add(domain, host);
      return host;
    });
  }

  route(headers: RequestHeaders, stream: HttpStream): Route | undefined {
    return this.hostOf(headers)?.route(headers, stream);
  }

  hostOf(headers: RequestHeaders): VirtualHost | undefined {
    if (this.hostHeader === '') return this.virtualHost(headers.authority);
    const named = headers.get(this.hostHeader);
    return named === undefined ? undefined : this.virtualHost(named);
  }

  virtualHost(authority: string): VirtualHost | undefined {
    return this.domains.find(this.ignorePort ? withoutPort(authority) : authority);
  }
}

class VirtualHost implements CompiledVirtualHost {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes: readonly CompiledRoute[];
  readonly tlsRedirect: TlsRedirectRoute | undefined;
  private readonly list: RouteList;
  private readonly connectList: RouteList;
  private readonly requireTls: 'NONE' | 'EXTERNAL_ONLY' | 'ALL';

  constructor(settings: VirtualHostSettings, table: RouteTableSettings, options: CompileOptions) {
    this.name = settings.name;
    this.domains = settings.domains;
    this.requireTls = settings.requireTls ?? 'NONE';
    this.tlsRedirect = this.requireTls === 'NONE' ? undefined : new TlsRedirectRoute(settings.name);
    const where = `virtual host ${settings.name}`;
    const context = explained(where, () => new RouteContext(table, settings, options));
    this.routes = settings.routes.map((route, index) =>
      explained(`${where}, route ${index}`, () => new CompiledRoute(route, index, context)),
    );
    const asksForConnect = ({ path }: CompiledRoute) => path.kind === 'connect';
    const others = this.routes.filter((route) => !asksForConnect(route));
    this.list = routeList(others, table.ignorePathParametersInPathMatching);
    this.connectList = routeList(this.routes.filter(asksForConnect));
  }

  route(headers: RequestHeaders, stream: HttpStream): Route | undefined {
    const { requireTls } = this;
    if (requireTls !== 'NONE' && needsTls(requireTls, headers)) return this.tlsRedirect;
    // CONNECT asks for a tunnel: only a `connect_matcher` may match it.
    const list = headers.method === 'CONNECT' ? this.connectList : this.list;
    return list.find(headers, stream)?.variant(headers, stream);
  }
}

function explained<T>(place: string, compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    throw new TypeError(`${place}: ${(error as Error).message}`, { cause: error });
  }
}
