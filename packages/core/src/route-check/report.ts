/** What a route check finds out; plain data. */
import type { SourcePlace } from '../explain/explanation.ts';

/** One expectation of a test. */
export interface CheckedField {
  /** As in the test file, e.g. `cluster_name`, or `request_header_matches: x-version`. */
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
  readonly ok: boolean;
}

/** One test. */
export interface TestResult {
  readonly name: string;
  readonly ok: boolean;
  readonly fields: readonly CheckedField[];
  /** The route that the test's request matched, in words. */
  readonly route: string;
}

/** A route, or one cluster of its weighted clusters, that no test has touched. */
export interface UntestedRoute {
  readonly virtualHost: string;
  /** From 0. */
  readonly index: number;
  readonly name: string;
  readonly match: string;
  /** Of a route with weighted clusters: the one that no test has drawn. */
  readonly cluster?: string;
  readonly at?: SourcePlace;
}

/** How much of the table the tests touch. Each cluster of weighted clusters counts as a route, as in Envoy's tool. */
export interface RouteCoverage {
  readonly routes: number;
  /** Routes of which an expectation held. */
  readonly touched: number;
  readonly percent: number;
  /** As `percent`, but a route counts in full only when everything that could be compared was (`--covall`). */
  readonly percentOfFields: number;
  readonly untested: readonly UntestedRoute[];
}

/** The outcome of all tests. */
export interface RouteCheckReport {
  readonly ok: boolean;
  readonly tests: readonly TestResult[];
  readonly coverage: RouteCoverage;
}
