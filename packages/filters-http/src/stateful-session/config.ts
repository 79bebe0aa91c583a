/** Envoy `StatefulSession`, with the ways in which sessions are kept. */
import {
  bool,
  duration,
  list,
  message,
  nonEmpty,
  only,
  required,
  string,
  type TypedExtension,
  typedExtension,
  uint32,
  withDefault,
} from '@mesh/core/proto';
import type { z } from 'zod';
import { CookieSessions, HeaderSessions, type SessionStore } from './session.ts';

const STATES = 'envoy.http.stateful_session';
const TYPES = 'envoy.extensions.http.stateful_session';
/** The filter's own package. */
export const FILTER = 'envoy.extensions.filters.http.stateful_session.v3';

const attribute = message(
  { name: required(nonEmpty()), value: withDefault(string(), '') },
  { name: 'envoy.type.http.v3.CookieAttribute' },
);

const cookie = message(
  {
    name: required(nonEmpty()),
    ttl: withDefault(duration({ minMs: 0 }), 0),
    path: withDefault(string(), ''),
    attributes: list(attribute),
  },
  { name: 'envoy.type.http.v3.Cookie' },
);

const cookieState = message({ cookie: required(cookie) }, { name: `${TYPES}.cookie.v3.CookieBasedSessionState` });
const headerState = message({ name: required(nonEmpty()) }, { name: `${TYPES}.header.v3.HeaderBasedSessionState` });

const sessionState = typedExtension('envoy.config.core.v3.TypedExtensionConfig', [
  { name: `${STATES}.cookie`, schema: cookieState },
  { name: `${STATES}.header`, schema: headerState },
  {
    name: `${STATES}.envelope`,
    schema: undefined,
    type: `${TYPES}.envelope.v3.EnvelopeSessionState`,
    reason: 'sessions in envelopes around those of the upstream are not built',
  },
]);

/** The config message. */
export const sessionConfig = message(
  {
    session_state: sessionState,
    strict: withDefault(bool(), false),
    stat_prefix: withDefault(string(), ''),
    status_on_strict_destination_not_found: withDefault(uint32({ max: 599 }), 0),
  },
  {
    name: `${FILTER}.StatefulSession`,
    check({ statusOnStrictDestinationNotFound: status = 0 }, report) {
      if (status === 0 || status >= 200) return;
      const path = ['status_on_strict_destination_not_found'];
      report({ path, message: `expected a status from 200 to 599, got ${status}` });
    },
  },
);

/** A parsed config. */
export type SessionConfig = z.output<typeof sessionConfig>;

/** The config of a route. */
export const routeSessionConfig = message(
  { disabled: only(bool(), true, 'Envoy takes true only'), stateful_session: sessionConfig },
  {
    name: `${FILTER}.StatefulSessionPerRoute`,
    oneofs: [{ fields: ['disabled', 'stateful_session'], required: true }],
  },
);

/** How sessions are kept; `undefined` when they are not. */
export function storeOf(state: TypedExtension | undefined): SessionStore | undefined {
  if (state === undefined) return undefined;
  if (state.name === `${STATES}.header`) {
    return new HeaderSessions((state.config as z.output<typeof headerState>).name);
  }
  return new CookieSessions((state.config as z.output<typeof cookieState>).cookie);
}
