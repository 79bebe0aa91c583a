/**
 * The routes of one virtual host: the first that matches, in list order. Long lists are indexed by path; the index
 * only proposes routes, in list order, and each route decides for itself, so that both ways agree by construction
 * as long as the index leaves none out.
 *
 * Hot path: no allocation. Benchmark: benchmarks/micro/route-table.bench.mjs.
 */
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { CompiledRoute } from './compiled-route.ts';
import { PrefixTree, type PrefixVisitor } from './prefix-tree.ts';
import { endOfPath } from './text.ts';

/** Finds the first route that matches. */
export interface RouteList {
  find(headers: RequestHeaders, stream: HttpStream): CompiledRoute | undefined;
}

/** Below this length asking each route in turn is as fast. */
const INDEX_FROM = 16;

/** Chooses by length. */
export function routeList(routes: readonly CompiledRoute[]): RouteList {
  return routes.length < INDEX_FROM ? new ScannedRoutes(routes) : new IndexedRoutes(routes);
}

/** Asks one route after the other. */
export class ScannedRoutes implements RouteList {
  private readonly routes: readonly CompiledRoute[];

  constructor(routes: readonly CompiledRoute[]) {
    this.routes = routes;
  }

  find(headers: RequestHeaders, stream: HttpStream): CompiledRoute | undefined {
    const end = endOfPath(headers.path);
    for (const route of this.routes) if (route.matches(headers, end, stream)) return route;
    return undefined;
  }
}

/** Routes whose path text is the same, by kind; positions in list order. */
interface Places {
  readonly prefix: number[];
  readonly exact: number[];
  readonly separated: number[];
}

const noPlaces = (): Places => ({ prefix: [], exact: [], separated: [] });

/** Proposes routes by path from two trees (with and without regard to case) and all routes with regular expressions. */
export class IndexedRoutes implements RouteList, PrefixVisitor<Places> {
  private readonly routes: readonly CompiledRoute[];
  private readonly cased = new PrefixTree<Places>();
  private readonly folded = new PrefixTree<Places>({ fold: true });
  private readonly hasFolded: boolean;
  private readonly regexes: readonly number[];
  // The lists that the current path leads to and how far each is read; kept between calls so as not to allocate.
  private readonly lists: (readonly number[])[] = [];
  private readonly read: number[] = [];
  private count = 0;
  private target = '';
  private end = 0;

  constructor(routes: readonly CompiledRoute[]) {
    this.routes = routes;
    this.hasFolded = routes.some(({ path }) => path.kind !== 'regex' && !path.caseSensitive);
    this.regexes = routes.flatMap(({ path }, index) => (path.kind === 'regex' ? [index] : []));
    routes.forEach(({ path }, index) => {
      if (path.kind === 'regex') return;
      const tree = path.caseSensitive ? this.cased : this.folded;
      tree.ensure(path.text, noPlaces)[path.kind].push(index);
    });
  }

  find(headers: RequestHeaders, stream: HttpStream): CompiledRoute | undefined {
    this.count = 0;
    this.target = headers.path;
    this.end = endOfPath(headers.path);
    this.propose(this.regexes);
    this.cased.walk(this.target, this.end, this);
    if (this.hasFolded) this.folded.walk(this.target, this.end, this);
    for (;;) {
      const index = this.next();
      if (index < 0) return undefined;
      const route = this.routes[index] as CompiledRoute;
      if (route.matches(headers, this.end, stream)) return route;
    }
  }

  /** @internal Called by the trees for every path text that the path begins with. */
  visit(places: Places, length: number): void {
    this.propose(places.prefix);
    if (length === this.end) this.propose(places.exact);
    if (length === this.end || this.target.charCodeAt(length) === 47) this.propose(places.separated);
  }

  private propose(list: readonly number[]): void {
    if (list.length === 0) return;
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
