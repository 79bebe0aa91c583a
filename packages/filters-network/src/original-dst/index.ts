/** `envoy.filters.listener.original_dst`: accepted, so that configs made for Envoy load; Node.js cannot do its work. */
import { defineListenerFilter } from '@mesh/core';
import { message } from '@mesh/core/proto';

const config = message({}, { name: 'envoy.extensions.filters.listener.original_dst.v3.OriginalDst' });

/**
 * Would restore the address that iptables redirected a connection from. Node.js has no way to ask for it
 * (`SO_ORIGINAL_DST`), so every connection keeps the address that it was accepted on, as connections that were not
 * redirected do in Envoy; a warning says so when the config is loaded.
 */
export const originalDst = defineListenerFilter({
  name: 'envoy.filters.listener.original_dst',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.listener.original_dst.v3.OriginalDst',
  config,
  create(_config, context) {
    context.log(
      'warning',
      'original_dst restores no addresses: Node.js cannot ask for the address that a connection was redirected from',
    );
    return { onAccept: () => 'done' };
  },
});
