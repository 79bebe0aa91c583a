/** A route configuration, compiled: request head → route. All thinking is done when the configuration arrives. */
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import { CompiledRoute, type CompileOptions, RouteContext } from './compiled-route.ts';
import { type RouteList, routeList } from './route-list.ts';
import type { RouteTableSettings, VirtualHostSettings } from './settings.ts';
import { DomainTable } from './virtual-hosts.ts';

/** One virtual host with its routes in list order. */
export interface CompiledVirtualHost {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes: readonly CompiledRoute[];
}

/** A compiled route table. Replaced as a whole when the configuration changes; requests keep the one they began with. */
export interface RouteTable {
  readonly name: string;
  readonly virtualHosts: readonly CompiledVirtualHost[];
  /** The first matching route of the request's virtual host; `undefined` is answered 404 (flag NR). */
  route(headers: RequestHeaders, stream: HttpStream): CompiledRoute | undefined;
  /** The virtual host for a host (with its port, if any), whether or not one of its routes matches. */
  virtualHost(authority: string): CompiledVirtualHost | undefined;
}

/**
 * Compiles a route configuration that has passed its schema.
 * @throws TypeError naming the virtual host and route whose settings cannot be compiled.
 *
 * @example
 * const table = compileRoutes(config, { filterSlots: new Map([['gate', 0]]), directBody: (source) => read(source) });
 * table.route(headers)?.action; // { kind: 'forward', cluster: 'service1', … }
 */
export function compileRoutes(settings: RouteTableSettings, options: CompileOptions): RouteTable {
  const domains = new DomainTable<VirtualHost>();
  const virtualHosts = settings.virtualHosts.map((each) => {
    const host = new VirtualHost(each, settings, options);
    for (const domain of each.domains) domains.add(domain, host);
    return host;
  });
  return {
    name: settings.name,
    virtualHosts,
    route: (headers, stream) => domains.find(headers.authority)?.route(headers, stream),
    virtualHost: (authority) => domains.find(authority),
  };
}

class VirtualHost implements CompiledVirtualHost {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes: readonly CompiledRoute[];
  private readonly list: RouteList;

  constructor(settings: VirtualHostSettings, table: RouteTableSettings, options: CompileOptions) {
    this.name = settings.name;
    this.domains = settings.domains;
    const where = `virtual host ${settings.name}`;
    const context = explained(where, () => new RouteContext(table, settings, options));
    this.routes = settings.routes.map((route, index) =>
      explained(`${where}, route ${index}`, () => new CompiledRoute(route, index, context)),
    );
    this.list = routeList(this.routes);
  }

  route(headers: RequestHeaders, stream: HttpStream): CompiledRoute | undefined {
    // CONNECT asks for a tunnel: only a `connect_matcher` may match it.
    return headers.method === 'CONNECT' ? undefined : this.list.find(headers, stream)?.variant(headers, stream);
  }
}

function explained<T>(place: string, compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    throw new TypeError(`${place}: ${(error as Error).message}`, { cause: error });
  }
}
