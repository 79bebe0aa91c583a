/** `upstream_log` of the router: entries about attempts. */
import { accessLogEntry, bool, duration, list, message, withDefault } from '@mesh/core/proto';

/** Fields of `Router`. */
export const upstreamLogFields = {
  /** Told of every attempt. */
  upstream_log: list(accessLogEntry),
  upstream_log_options: message(
    {
      flush_upstream_log_on_upstream_stream: withDefault(bool(), false),
      upstream_log_flush_interval: duration({ minMs: 1 }),
    },
    { name: 'envoy.extensions.filters.http.router.v3.Router.UpstreamAccessLogOptions' },
  ),
};
