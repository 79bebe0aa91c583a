/** `/listeners` and `/drain_listeners`. */
import { addressJson, addressText } from '../address.ts';
import type { ListenerSnapshot } from '../context.ts';
import { page, table } from '../html.ts';
import { type AdminRoute, html, json, text } from '../route.ts';

/** Where we listen, and how to stop. */
export const listenerRoutes: readonly AdminRoute[] = [
  {
    path: '/listeners',
    help: 'print listener info',
    params: [{ id: 'format', type: 'enum', values: ['text', 'json', 'html'], help: 'File format to use' }],
    handle(request, context) {
      const listeners = context.listeners();
      const format = request.query.get('format');
      if (format === 'json') return json({ listener_statuses: listeners.map(listenerJson) });
      if (format === 'html') return html(page({ title: 'Listeners' }, table(['name', 'address'], listeners.map(row))));
      return text(listeners.map(listenerText).join(''));
    },
  },
  {
    path: '/drain_listeners',
    help: 'drain listeners',
    mutates: true,
    params: [
      {
        id: 'graceful',
        type: 'boolean',
        help: 'When draining listeners, enter a graceful drain period prior to closing listeners. This behaviour and duration is configurable via server options or CLI',
      },
      {
        id: 'skip_exit',
        type: 'boolean',
        help: 'When draining listeners, drain the connections but never stop the listeners. The graceful parameter has no effect when this is set, since the drain period only delays stopping the listeners',
      },
      {
        id: 'inboundonly',
        type: 'boolean',
        help: 'Drains all inbound listeners. traffic_direction field in envoy_v3_api_msg_config.listener.v3.Listener is used to determine whether a listener is inbound or outbound.',
      },
    ],
    async handle({ query }, context) {
      await context.drainListeners({
        graceful: query.has('graceful'),
        skipExit: query.has('skip_exit'),
        inboundOnly: query.has('inboundonly'),
      });
      return text('OK\n');
    },
  },
];

function row({ name, address, additionalAddresses = [] }: ListenerSnapshot): string[] {
  return [name, [address, ...additionalAddresses].map(addressText).join(', ')];
}

function listenerText(listener: ListenerSnapshot): string {
  return [listener.address, ...(listener.additionalAddresses ?? [])]
    .map((address) => `${listener.name}::${addressText(address)}\n`)
    .join('');
}

function listenerJson(listener: ListenerSnapshot): object {
  const additional = listener.additionalAddresses ?? [];
  return {
    name: listener.name,
    local_address: addressJson(listener.address),
    ...(additional.length > 0 && { additional_local_addresses: additional.map(addressJson) }),
  };
}
