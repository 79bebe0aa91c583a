/** Entries of `access_log` lists: which logger, and what it is to be told of. */
import type { LogFilterSettings } from '../log-filter/settings.ts';
import { accessLogFilter } from './access-log-filter.ts';
import { extension, type ResolvedExtension } from './extension.ts';
import { message, withDefault } from './message.ts';
import { bool, duration } from './proto-json.ts';
import type { Report } from './schema-type.ts';

/** Envoy `AccessLog`; its name is a label, the type of `typed_config` finds the logger. */
export const accessLogEntry = extension('access-log', {
  name: 'envoy.config.accesslog.v3.AccessLog',
  extra: { filter: accessLogFilter },
  known: {},
  labelled: true,
});

/** An entry with its logger's config parsed. Without `filter` everything is logged. */
export type AccessLogConfig = ResolvedExtension & { readonly filter?: LogFilterSettings | undefined };

/** Envoy `HttpConnectionManager.HcmAccessLogOptions`: entries besides that of the end. */
export const managerLogOptions = message(
  {
    access_log_flush_interval: duration({ minMs: 1 }),
    flush_access_log_on_new_request: withDefault(bool(), false),
    flush_log_on_tunnel_successfully_established: withDefault(bool(), false),
  },
  {
    name: 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.HcmAccessLogOptions',
  },
);

/** The deprecated places of two options and the new one exclude each other, in Envoy's words. */
export function checkLogOptions(given: Readonly<Record<string, boolean>>, options: boolean, report: Report): void {
  if (!options) return;
  for (const [field, isGiven] of Object.entries(given)) {
    if (!isGiven) continue;
    const message = `Only one of ${field} or access_log_options can be specified.`;
    report({ path: [field], at: 'key', message });
    return;
  }
}
