/** `/runtime` and `/runtime_modify`. */
import { type AdminRoute, json, text } from '../route.ts';

const USAGE = `usage: /runtime_modify?key1=value1&key2=value2&keyN=valueN
       or send the parameters as form values
use an empty value to remove a previously added override`;

/** The layered runtime and its admin layer. */
export const runtimeRoutes: readonly AdminRoute[] = [
  {
    path: '/runtime',
    help: 'print runtime values',
    handle(_request, context) {
      const { layers, entries } = context.runtime?.snapshot() ?? { layers: [], entries: [] };
      const values = entries.map((entry) => [
        entry.key,
        { layer_values: entry.layerValues, final_value: entry.finalValue },
      ]);
      return json({ entries: Object.fromEntries(values), layers });
    },
  },
  {
    path: '/runtime_modify',
    help: 'Adds or modifies runtime values as passed in query parameters. To delete a previously added key, use an empty string as the value. Note that deletion only applies to overrides added via this endpoint; values loaded from disk can be modified via override but not deleted. E.g. ?key1=value1&key2=value2...',
    mutates: true,
    handle({ query }, context) {
      if (query.size === 0) return text(USAGE, 400);
      const override = context.runtime?.override;
      if (override === undefined) return text('No admin layer specified', 503);
      override(query);
      return text('OK\n');
    },
  },
];
