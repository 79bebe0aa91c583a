/** `envoy.filters.http.stateful_session`: session stickiness by cookie or header. */
import { defineHttpFilter } from '@mesh/core';
import { FILTER, routeSessionConfig, sessionConfig } from './config.ts';
import { type SessionState, StatefulSessionFilter } from './stateful-session.ts';

/**
 * Sends the requests of a client to the host that its session began with, for as long as that host is there and well; the
 * cookie or header names the host itself, so nothing is remembered here. With `strict` no other host will do.
 *
 * @example
 * statefulSession({
 *   sessionState: {
 *     name: 'envoy.http.stateful_session.cookie',
 *     typedConfig: { '@type': '…CookieBasedSessionState', cookie: { name: 'session', ttl: '3600s', path: '/' } },
 *   },
 * })
 */
export const statefulSession = defineHttpFilter({
  name: 'envoy.filters.http.stateful_session',
  typeUrl: `type.googleapis.com/${FILTER}.StatefulSession`,
  config: sessionConfig,
  routeConfig: routeSessionConfig,
  newState: (): SessionState => ({ sessions: undefined, covered: false, address: undefined }),
  create: (config, context) => new StatefulSessionFilter(config, context),
});
