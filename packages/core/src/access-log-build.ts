/** Access logs from their config. */
import type { EntryLogs } from './api/access-log.ts';
import type { ObserverContext } from './api/observer.ts';
import type { AccessLogConfig } from './config/access-log.ts';
import { dataSourceText } from './config/build.ts';
import type { AccessLogDefinition } from './define/index.ts';
import { AccessLogs } from './observe/access-log.ts';
import { compileLogFormat, type LogFormat, type LogFormatSettings } from './observe/log-format.ts';

/**
 * Makes the logs of an `access_log` list; `undefined` when it is empty, or where nothing is observed.
 * @throws MeshError `CONFIG_INVALID` when a logger cannot be made, e.g. because its file cannot be opened.
 */
export function accessLogs(
  entries: readonly AccessLogConfig[],
  context: ObserverContext | undefined,
): EntryLogs | undefined {
  if (entries.length === 0 || context === undefined) return undefined;
  const made = entries.map(({ name, filter, config, definition }) => {
    const { create, name: type } = definition as unknown as AccessLogDefinition;
    return { name: name || type, filter, create: (given: ObserverContext) => create(config, given) };
  });
  return new AccessLogs(made, context);
}

/**
 * Compiles the format of an access log from what `substitutionFormat` of `@mesh/core/proto` has read; without it, it is
 * Envoy's default format. What comes out is in wire form, one character per byte: `LogOutput.writeWire` takes it.
 * @throws SyntaxError in Envoy's words, for a stray `%`, an unknown command, and bad arguments.
 */
export function compileAccessLogFormat(settings?: LogFormatSettings): LogFormat {
  return compileLogFormat(settings, dataSourceText);
}
