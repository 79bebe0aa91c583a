/** The routes that were asked before the one that matched. */
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { CompiledRoute } from '../routing/compiled-route.ts';
import { describeMatch } from '../routing/describe.ts';
import { explainMismatch } from '../routing/explain-mismatch.ts';
import type { SkippedRoute } from './explanation.ts';
import type { ExplainSource } from './source.ts';

/** Why each of `routes` does not match, while the request is as it was when they were asked. */
export function skippedRoutes(
  routes: readonly CompiledRoute[],
  headers: RequestHeaders,
  stream: HttpStream,
  source: ExplainSource,
): SkippedRoute[] {
  return routes.map((route) => {
    const { index, settings } = route.source;
    const at = source.placeOf(settings);
    return {
      name: route.name,
      index,
      match: describeMatch(settings.match),
      reason: explainMismatch(route, headers, stream) ?? 'matches, but none of its weighted clusters can be drawn',
      ...(at && { at }),
    };
  });
}
