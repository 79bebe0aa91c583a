/**
 * The routes of one virtual host: the first that matches, in list order. Long lists are indexed by path: the index
 * proposes the routes whose path text fits, in list order, and each decides about the rest of its conditions.
 *
 * With thousands of routes or virtual hosts each object on the way is a cache miss: conditions are kept beside the
 * routes, of which only the one that matches is touched.
 *
 * Hot path: no allocation. Benchmark: benchmarks/micro/route-table.bench.mjs.
 */
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { CompiledRoute } from './compiled-route.ts';
import type { PathCondition } from './path-match.ts';
import { PrefixTree, type PrefixVisitor } from './prefix-tree.ts';
import type { RouteConditions } from './route-conditions.ts';
import { endOfPath, withoutParameters } from './text.ts';

/** Finds the first route that matches. */
export interface RouteList {
  find(headers: RequestHeaders, stream: HttpStream): CompiledRoute | undefined;
}

/** Below this length asking each route in turn is as fast. */
const INDEX_FROM = 16;

/** Chooses by length. */
export function routeList(routes: readonly CompiledRoute[], ignorePathParameters = false): RouteList {
  if (routes.length === 1) return new OneRoute(routes[0] as CompiledRoute);
  return routes.length < INDEX_FROM ? new ScannedRoutes(routes) : new IndexedRoutes(routes, ignorePathParameters);
}

/** The only route of a virtual host. */
class OneRoute implements RouteList {
  private readonly route: CompiledRoute;
  private readonly conditions: RouteConditions;

  constructor(route: CompiledRoute) {
    this.route = route;
    this.conditions = route.conditions;
  }

  find(headers: RequestHeaders, stream: HttpStream): CompiledRoute | undefined {
    return this.conditions.matches(headers, endOfPath(headers.path), stream) ? this.route : undefined;
  }
}

/** Asks one route after the other. */
export class ScannedRoutes implements RouteList {
  private readonly routes: readonly CompiledRoute[];
  private readonly conditions: readonly RouteConditions[];

  constructor(routes: readonly CompiledRoute[]) {
    this.routes = routes;
    this.conditions = routes.map(({ conditions }) => conditions);
  }

  find(headers: RequestHeaders, stream: HttpStream): CompiledRoute | undefined {
    const end = endOfPath(headers.path);
    const { conditions } = this;
    for (let i = 0; i < conditions.length; i++) {
      if ((conditions[i] as RouteConditions).matches(headers, end, stream)) return this.routes[i];
    }
    return undefined;
  }
}

/** Routes whose path text is the same, by kind; positions in list order. */
interface Places {
  /** Those with a pattern that begins with the text are here too. */
  prefix: number[] | undefined;
  exact: number[] | undefined;
  separated: number[] | undefined;
}

const noPlaces = (): Places => ({ prefix: undefined, exact: undefined, separated: undefined });

/** Proposes routes by path from two trees, with and without regard to case. */
export class IndexedRoutes implements RouteList, PrefixVisitor<Places> {
  private readonly routes: readonly CompiledRoute[];
  private readonly conditions: readonly RouteConditions[];
  private readonly cased = new PrefixTree<Places>();
  private readonly folded = new PrefixTree<Places>({ fold: true });
  private readonly hasFolded: boolean;
  private readonly ignorePathParameters: boolean;
  // The lists that the current path leads to and how far each is read; kept between calls so as not to allocate.
  private readonly lists: (readonly number[])[] = [];
  private readonly read: number[] = [];
  private count = 0;
  private target = '';
  private end = 0;

  constructor(routes: readonly CompiledRoute[], ignorePathParameters = false) {
    this.routes = routes;
    this.conditions = routes.map(({ conditions }) => conditions);
    this.hasFolded = routes.some(({ path }) => !path.caseSensitive);
    this.ignorePathParameters = ignorePathParameters;
    routes.forEach(({ path }, index) => {
      const tree = path.caseSensitive ? this.cased : this.folded;
      const places = tree.ensure(this.key(path), noPlaces);
      const list = path.kind === 'exact' || path.kind === 'separated' ? path.kind : 'prefix';
      (places[list] ??= []).push(index);
    });
  }

  /** A template sees the parameters, the walk does not: it comes only to what stands before the first. */
  private key({ text, template }: PathCondition): string {
    return this.ignorePathParameters && template !== undefined ? text.replace(/;.*$/s, '') : text;
  }

  find(headers: RequestHeaders, stream: HttpStream): CompiledRoute | undefined {
    this.count = 0;
    this.target = headers.path;
    const pathEnd = endOfPath(headers.path);
    this.end = pathEnd;
    if (this.ignorePathParameters && this.target.includes(';')) {
      this.target = withoutParameters(this.target, pathEnd);
      this.end = this.target.length;
    }
    this.cased.walk(this.target, this.end, this);
    if (this.hasFolded) this.folded.walk(this.target, this.end, this);
    for (;;) {
      const index = this.next();
      if (index < 0) return undefined;
      if ((this.conditions[index] as RouteConditions).matchesIndexed(headers, pathEnd, stream))
        return this.routes[index];
    }
  }

  /** @internal Called by the trees for every path text that the path begins with. */
  visit(places: Places, length: number): void {
    this.propose(places.prefix);
    if (length === this.end) this.propose(places.exact);
    if (length === this.end || this.target.charCodeAt(length) === 47) this.propose(places.separated);
  }

  private propose(list: readonly number[] | undefined): void {
    if (list === undefined) return;
    this.lists[this.count] = list;
    this.read[this.count] = 0;
    this.count++;
  }

  /** The lowest position not yet read in any list, or -1. */
  private next(): number {
    let lowest = -1;
    let from = -1;
    for (let i = 0; i < this.count; i++) {
      const index = this.lists[i]?.[this.read[i] as number];
      if (index === undefined || (from >= 0 && index > lowest)) continue;
      lowest = index;
      from = i;
    }
    if (from >= 0) this.read[from] = (this.read[from] as number) + 1;
    return lowest;
  }
}
