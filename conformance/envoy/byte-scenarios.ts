/** Scenarios of connections of bytes. */
import { dial } from './dial.ts';
import { brief, tcpProxy } from './pieces.ts';
import type { Scenario, Yaml } from './scenario.ts';
import { byteServer } from './server.ts';
import type { Talk } from './talk.ts';

export type Spec = NonNullable<Parameters<typeof dial>[1]>;
/** A connection; what became of it, and what the upstreams saw. */
export const call =
  (spec: Spec = {}): Talk =>
  async ({ port, received }) => ({ ...(await dial(port, spec)), upstream: received() });
/** The same, where HTTP is answered: without the fields of the response. */
export const ask =
  (spec: Spec): Talk =>
  async ({ port, received }) => {
    const { text, ...rest } = await dial(port, spec);
    return { text: brief(text), ...rest, upstream: received() };
  };
/** A listener with one chain of these filters. */
export const tcp = (
  name: string,
  why: string,
  filters: readonly unknown[],
  talks: readonly Talk[],
  rest: Partial<Scenario> = {},
): Scenario => ({
  name: `tcp-${name}`,
  why,
  requests: [],
  talks,
  listener: { filter_chains: [{ filters }] },
  servers: Object.fromEntries(
    ['a', 'b']
      .filter((letter) => JSON.stringify([filters, rest]).includes(`<${letter}>`))
      .map((letter) => [letter, byteServer()]),
  ),
  ...rest,
});
/** Says something and ends. */
export const SAY: Spec = { send: 'hello', half: true };
/** `a:HELLO` comes back before the end is sent. */
export const TELL: Spec = { send: 'hello', halfBehind: 7 };
/** To the upstream `a`. */
export const TO: Yaml = tcpProxy({ cluster: '<a>' });
