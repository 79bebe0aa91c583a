/** Where health check events are written: `HealthCheck.event_logger`. */
import { message, required } from './message.ts';
import { nonEmpty } from './proto-json.ts';
import { typedExtension } from './typed-extension.ts';

/** A file with one JSON object per line. */
const fileSink = message(
  { event_log_path: required(nonEmpty()) },
  { name: 'envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink' },
);

/** An entry of `event_logger`. */
export const eventSink = typedExtension('envoy.config.core.v3.TypedExtensionConfig', [
  { name: 'envoy.health_check.event_sinks.file', schema: fileSink },
]);

/** The file behind an entry of `event_logger`. */
export function eventSinkPath(sink: { readonly config: unknown }): string {
  return (sink.config as { readonly eventLogPath?: string }).eventLogPath ?? '';
}
