/** The HTTP filters of the chain, and which of them the request meets. */
import type { HttpConnectionManagerConfig, HttpFilterConfig } from '../config/http-connection-manager.ts';
import type { CompiledRoute } from '../routing/compiled-route.ts';
import type { ExplainedFilter } from './explanation.ts';

/** `passed` holds the positions of the filters that the request went through. */
export function explainedFilters(
  manager: HttpConnectionManagerConfig,
  route: CompiledRoute | undefined,
  passed: readonly number[],
): ExplainedFilter[] {
  return (manager.httpFilters as readonly HttpFilterConfig[]).map(({ name, definition, disabled }, index) => {
    const runs = passed.includes(index);
    const reason = reasonOf(runs, disabled, route?.filterDisabled(index), passed.length > 0);
    return {
      name,
      ...(definition.name !== name && { type: definition.name }),
      runs,
      ...(reason !== undefined && { reason }),
      routeConfig: route?.filterConfig(index) !== undefined,
    };
  });
}

function reasonOf(
  runs: boolean,
  disabled: boolean,
  byRoute: boolean | undefined,
  reached: boolean,
): string | undefined {
  if (runs) return disabled ? 'disabled in the chain, enabled by the route' : undefined;
  if (!reached) return 'answered before the filters';
  if (byRoute === true) return 'disabled by the route';
  return disabled ? 'disabled in the chain' : 'not reached';
}
