/** `transport_socket_matches`: a host's transport by its metadata. */
import type { Endpoint } from '../api/discovery.ts';
import type { ClientTransport } from '../net/transport.ts';
import type { TransportMatch } from './settings.ts';

/** The transport of the first entry whose fields the endpoint's metadata have, else `otherwise`. */
export function chooseTransport(
  matches: readonly TransportMatch[],
  metadata: Endpoint['metadata'],
  otherwise: ClientTransport | undefined,
): ClientTransport | undefined {
  const match = matchedTransport(matches, metadata);
  return match === undefined ? otherwise : match.transport;
}

/** The first entry whose fields the endpoint's metadata have. */
export function matchedTransport(
  matches: readonly TransportMatch[],
  metadata: Endpoint['metadata'],
): TransportMatch | undefined {
  if (matches.length === 0) return undefined;
  const own = metadata?.['envoy.transport_socket_match'] as Readonly<Record<string, unknown>> | undefined;
  return matches.find(({ match }) => Object.entries(match).every(([key, value]) => equal(own?.[key], value)));
}

/** Equality of values of a protobuf struct. */
function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  if (Array.isArray(a) !== Array.isArray(b) || keys.length !== others.length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && equal((a as never)[key], (b as never)[key]));
}
