/** Listener filters of a listener, and the connections that one is not run for. */
import type { z } from 'zod';
import type { ListenerConnection } from '../api/listener-filter.ts';
import { discoveredConfig, extension } from './extension.ts';
import { type Fields, type MessageInfo, message, required, withDefault } from './message.ts';
import { bool, int64, list, only } from './proto-json.ts';
import type { ProtoType } from './schema-type.ts';

const prefix = 'envoy.config.listener.v3.';

/** Envoy `ListenerFilterChainMatchPredicate`. */
export interface ListenerFilterPredicate {
  readonly orMatch?: { readonly rules: readonly ListenerFilterPredicate[] };
  readonly andMatch?: { readonly rules: readonly ListenerFilterPredicate[] };
  readonly notMatch?: ListenerFilterPredicate;
  readonly anyMatch?: true;
  /** Without its end. */
  readonly destinationPortRange?: { readonly start: number; readonly end: number };
}

const int32 = () => withDefault(int64({ min: -(2 ** 31), max: 2 ** 31 - 1 }), 0);

/** Getters, because they lead back to the message. */
const predicateFields: Fields = {
  get or_match(): z.ZodType {
    return matchSet;
  },
  get and_match(): z.ZodType {
    return matchSet;
  },
  get not_match(): z.ZodType {
    return predicate;
  },
  any_match: only(bool(), true, 'Envoy takes true only'),
  destination_port_range: message({ start: int32(), end: int32() }, { name: 'envoy.type.v3.Int32Range' }),
};

const rules = ['or_match', 'and_match', 'not_match', 'any_match', 'destination_port_range'];

const predicate = message(predicateFields, {
  name: `${prefix}ListenerFilterChainMatchPredicate`,
  oneofs: [{ fields: rules, required: true }],
}) as unknown as ProtoType<ListenerFilterPredicate | undefined, MessageInfo>;

const matchSet: z.ZodType = message(
  { rules: required(list(predicate, { min: 2 }).schema) },
  { name: `${prefix}ListenerFilterChainMatchPredicate.MatchSet` },
);

/** Envoy `ListenerFilter`. */
export const listenerFilterEntry = extension('listener-filter', {
  name: `${prefix}ListenerFilter`,
  extra: { filter_disabled: withDefault(predicate, undefined) },
  known: discoveredConfig,
});

/** A listener filter of a listener. */
export type ListenerFilterConfig = z.output<typeof listenerFilterEntry>;

/** Whether a predicate holds for a connection. */
export function predicateHolds(rule: ListenerFilterPredicate, connection: ListenerConnection): boolean {
  if (rule.orMatch !== undefined) return rule.orMatch.rules.some((each) => predicateHolds(each, connection));
  if (rule.andMatch !== undefined) return rule.andMatch.rules.every((each) => predicateHolds(each, connection));
  if (rule.notMatch !== undefined) return !predicateHolds(rule.notMatch, connection);
  const ports = rule.destinationPortRange;
  if (ports === undefined) return true;
  // A unix socket has no port.
  return connection.localIp !== '' && connection.localPort >= ports.start && connection.localPort < ports.end;
}
