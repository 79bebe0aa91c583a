/** Which routes the tests have touched. */
import type { Route } from '../api/route.ts';
import type { CompiledRoute } from '../routing/compiled-route.ts';
import { describeMatch } from '../routing/describe.ts';
import type { RouteTable } from '../routing/route-table.ts';
import type { FoundTable } from './load.ts';
import type { RouteCoverage, UntestedRoute } from './report.ts';

/** What Envoy's tool counts for `--covall`, by the kind of route. */
const FIELDS_OF_FORWARD = ['cluster_name', 'virtual_cluster_name', 'virtual_host_name', 'path_rewrite', 'host_rewrite'];
const FIELDS_OF_ANSWER = ['path_redirect', 'code_redirect'];

/** One thing to be tested: a route, or one of its weighted clusters. */
interface Item extends UntestedRoute {
  readonly possible: readonly string[];
  readonly held: Set<string>;
}

export class CoverageCount {
  private readonly items = new Map<Route, Item>();

  constructor(table: RouteTable, { placeOf }: FoundTable) {
    for (const route of table.virtualHosts.flatMap(({ routes }) => routes)) {
      const { source, variants } = route;
      const at = placeOf(source.settings);
      const clusters = source.settings.route?.weightedClusters?.clusters ?? [];
      if (variants.length === 0) this.items.set(route, itemOf(route, at, undefined));
      for (const [index, variant] of variants.entries()) {
        const { name = '', clusterHeader = '' } = clusters[index] ?? {};
        this.items.set(variant, itemOf(route, at, name || clusterHeader));
      }
    }
  }

  /** An expectation held for a request that `route` answers. The redirect of `require_tls` is none of the list. */
  held(route: Route | undefined, field: string): void {
    if (route !== undefined) this.items.get(route)?.held.add(field);
  }

  report(): RouteCoverage {
    const all = [...this.items.values()];
    const touched = all.filter(({ held }) => held.size > 0);
    const fields = all.reduce((sum, { held, possible }) => {
      return sum + possible.filter((field) => held.has(field)).length / possible.length;
    }, 0);
    return {
      routes: all.length,
      touched: touched.length,
      percent: percent(touched.length, all.length),
      percentOfFields: percent(fields, all.length),
      untested: all.filter(({ held }) => held.size === 0).map(({ possible: _, held: __, ...route }) => route),
    };
  }
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 100 : Math.round((100_000 * part) / whole) / 1000;
}

function itemOf({ source }: CompiledRoute, at: UntestedRoute['at'], cluster: string | undefined): Item {
  const { virtualHost, index, settings } = source;
  return {
    virtualHost,
    index,
    name: settings.name,
    match: describeMatch(settings.match),
    ...(cluster !== undefined && { cluster }),
    ...(at && { at }),
    possible: settings.route === undefined ? FIELDS_OF_ANSWER : FIELDS_OF_FORWARD,
    held: new Set(),
  };
}
