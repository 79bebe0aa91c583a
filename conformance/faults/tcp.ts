/** Connections that are not HTTP. */
import { dial } from '../envoy/dial.ts';
import type { Scenario } from '../envoy/scenario.ts';
import { byteServer } from '../envoy/server.ts';
import type { Talk } from '../envoy/talk.ts';

/** Connects, sends `hello`, with its end if `half`, and writes down what comes back and how it ends. */
export const call =
  (half = false): Talk =>
  async ({ port }) =>
    dial(port, { send: 'hello', half });

/** A listener with one chain of these filters; the upstream `a` sends bytes back. */
export function tcp(
  filters: readonly unknown[],
  talks: readonly Talk[],
  rest: Partial<Scenario> = {},
): Partial<Scenario> {
  const needsA = JSON.stringify([filters, rest]).includes('<a>') || rest.clusters?.a !== undefined;
  return {
    ...(needsA ? { servers: { a: byteServer() } } : {}),
    listener: { filter_chains: [{ filters }] },
    requests: [],
    talks,
    ...rest,
  };
}
