/** Which routes a redirect may lead to: Envoy's `envoy.internal_redirect_predicates.*`. */
import type { RetryExtension, TerminalStream } from '@mesh/core';

/** What a predicate judges. */
export interface RedirectStep {
  readonly stream: TerminalStream;
  /** Names of the route that is left and of the one that is entered. */
  readonly from: string;
  readonly to: string;
  readonly fromHttps: boolean;
  readonly toHttps: boolean;
}

/** True when `predicate` lets the redirect pass. */
export function acceptsRedirect({ name, config }: RetryExtension, step: RedirectStep): boolean {
  switch (name) {
    case 'envoy.internal_redirect_predicates.allow_listed_routes':
      return (config as AllowListedRoutes).allowedRouteNames.includes(step.to);
    case 'envoy.internal_redirect_predicates.previous_routes':
      return isNew(step);
    case 'envoy.internal_redirect_predicates.safe_cross_scheme':
      return step.fromHttps || !step.toHttps;
    default:
      return false;
  }
}

interface AllowListedRoutes {
  readonly allowedRouteNames: readonly string[];
}

/** A route leads to each other route once per exchange; the exchange's filter state remembers which. */
function isNew({ stream, from, to }: RedirectStep): boolean {
  const { filterState } = stream.info;
  const key = `envoy.internal_redirect.previous_routes_predicate_state.${from}`;
  let taken = filterState.get(key) as Set<string> | undefined;
  if (taken === undefined) {
    taken = new Set();
    filterState.set(key, taken);
  }
  if (taken.has(to)) return false;
  taken.add(to);
  return true;
}
