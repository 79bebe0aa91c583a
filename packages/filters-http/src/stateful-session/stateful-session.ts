/**
 * Keeps a client with its host: the request is to go where its session says, and a response from elsewhere tells the client
 * of its new session.
 */
import {
  type Counter,
  type HttpFilter,
  type HttpFilterContext,
  type HttpStream,
  type RequestHeaders,
  ResponseFlag,
  type ResponseHeaders,
  type StatsScope,
} from '@mesh/core';
import type { z } from 'zod';
import { type routeSessionConfig, type SessionConfig, storeOf } from './config.ts';
import type { SessionStore } from './session.ts';

type RouteConfig = z.output<typeof routeSessionConfig>;

/** One config, made ready. */
class Sessions {
  readonly store: SessionStore | undefined;
  readonly strict: boolean;
  readonly missingStatus: number;
  readonly stats: SessionStats | undefined;

  constructor(config: SessionConfig, stats: StatsScope | undefined) {
    this.store = storeOf(config.sessionState);
    this.strict = config.strict;
    this.missingStatus = config.statusOnStrictDestinationNotFound || 503;
    this.stats =
      stats === undefined || config.statPrefix === ''
        ? undefined
        : sessionStats(stats.scope(`stateful_session.${config.statPrefix}.`));
  }
}

interface SessionStats {
  readonly routed: Counter;
  readonly failedOpen: Counter;
  readonly failedClosed: Counter;
  readonly noSession: Counter;
}

function sessionStats(scope: StatsScope): SessionStats {
  return {
    routed: scope.counter('routed'),
    failedOpen: scope.counter('failed_open'),
    failedClosed: scope.counter('failed_closed'),
    noSession: scope.counter('no_session'),
  };
}

/** One request's session. */
export interface SessionState {
  /** The config in force; `undefined` when the route has switched the filter off. */
  sessions: Sessions | undefined;
  /** The request has a session, or will have one. */
  covered: boolean;
  /** The host that the session was with. */
  address: string | undefined;
}

export class StatefulSessionFilter implements HttpFilter<SessionState> {
  private readonly context: HttpFilterContext<RouteConfig>;
  private readonly own: Sessions;
  /** By the config of the route. */
  private readonly byRoute = new WeakMap<RouteConfig, Sessions | undefined>();

  constructor(config: SessionConfig, context: HttpFilterContext<RouteConfig>) {
    this.context = context;
    this.own = new Sessions(config, context.stats);
  }

  onRequestHeaders(headers: RequestHeaders, stream: HttpStream, state: SessionState): void {
    const sessions = this.sessionsFor(stream);
    state.sessions = sessions;
    if (sessions?.store?.covers(headers.path) !== true) return;
    state.covered = true;
    state.address = sessions.store.addressOf(headers, secondsOf(stream));
    if (state.address === undefined) return;
    const { strict, missingStatus } = sessions;
    stream.upstreamOverrideHost = { address: state.address, strict, missingStatus };
  }

  onResponseHeaders(headers: ResponseHeaders, stream: HttpStream, { sessions, covered, address }: SessionState): void {
    if (sessions === undefined) return;
    const { store, stats, strict } = sessions;
    const host = stream.info.upstreamHost;
    if (host === undefined) {
      if (strict && covered && (stream.info.flags & ResponseFlag.UH) !== 0) stats?.failedClosed.inc();
    } else if (!covered) stats?.noSession.inc();
    else if (host.address === address) stats?.routed.inc();
    else {
      store?.tell(headers, host.address, secondsOf(stream));
      if (!strict) stats?.failedOpen.inc();
    }
  }

  private sessionsFor(stream: HttpStream): Sessions | undefined {
    const config = this.context.routeConfig(stream);
    if (config === undefined) return this.own;
    const known = this.byRoute.get(config);
    if (known !== undefined || config.statefulSession === undefined) return known;
    // As in Envoy, configs of routes count nothing.
    const sessions = new Sessions(config.statefulSession, undefined);
    this.byRoute.set(config, sessions);
    return sessions;
  }
}

/** Unix time. */
function secondsOf(stream: HttpStream): number {
  return Math.floor(stream.info.startWallMs / 1000);
}
