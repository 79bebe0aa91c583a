/** What happens to a request before its first filter: path, host, trust, route, upgrades. All rare steps are behind flags. */
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { ForwardAction, Route } from '../api/route.ts';
import { Body, type RequestHead, ResponseHead, Seen } from '../headers/header-map.ts';
import { applyExtras, needsExtras } from './extra-fields.ts';
import type { FilterPlan } from './filter-plan.ts';
import { applyForwarded, type Origin, type TrustRules } from './forwarded.ts';
import { stripHost } from './host-text.ts';
import type { HttpManager, HttpManagerOptions } from './manager.ts';
import { normalizePath } from './normalize.ts';
import { originDetectors } from './origin.ts';
import type { Stream } from './stream.ts';
import { streamDuration } from './stream-duration.ts';
import type { ResponseStream } from './stream-response.ts';

/** The route table of a connection manager, opaque but for this. */
export interface Routes {
  route(headers: RequestHeaders, stream: HttpStream): Route | undefined;
}

/** The routes of a connection manager with what goes with them; replaced whole. */
export interface RouteSet {
  readonly routes: Routes;
  /** Plans of routes that switch filters on or off (`typed_per_filter_config`). */
  readonly plans: ReadonlyMap<Route, FilterPlan>;
  /** `internal_only_headers` of the route configuration. */
  readonly internalOnly: readonly string[];
}

const CONTINUE = new ResponseHead();
CONTINUE.status = 100;
const REJECT_FRAGMENTS = 'envoy.reloadable_features.http_reject_path_with_fragment';

export class Admission {
  private readonly manager: HttpManager;
  private current: RouteSet;
  private readonly plansOfUpgrades: ReadonlyMap<string, FilterPlan> | undefined;
  private rules: TrustRules;
  private readonly needsNormalizing: boolean;
  private readonly needsExtras: boolean;
  private readonly origin: Origin = { clientIp: '', internal: false, rejectStatus: 0 };

  constructor(manager: HttpManager, options: HttpManagerOptions) {
    const { settings } = manager;
    this.manager = manager;
    this.current = {
      routes: options.routes,
      plans: options.routePlans,
      internalOnly: options.internalOnlyHeaders ?? [],
    };
    this.plansOfUpgrades = options.upgradePlans;
    this.rules = { internalOnly: this.current.internalOnly, detectors: originDetectors(settings.origins) };
    this.needsNormalizing =
      settings.normalizePath || settings.mergeSlashes || settings.escapedSlashes !== 'KEEP_UNCHANGED';
    this.needsExtras = needsExtras(settings);
  }

  /** Requests that come from now on have these routes; those under way keep the ones that they began with. */
  useRoutes(set: RouteSet): void {
    this.current = set;
    this.rules = { ...this.rules, internalOnly: set.internalOnly };
  }

  /** False when the request was answered here. */
  admit(stream: Stream, head: RequestHead): boolean {
    const { settings } = this.manager;
    // Only a CONNECT has no path.
    const connect = head.rawPath === '';
    if (head.rawAuthority === '') return this.refuseHost(stream);
    if (!connect) {
      // The codec lets an asterisk through with OPTIONS only (RFC 9112 3.2.4).
      if (head.rawPath.charCodeAt(0) !== 47 && head.rawPath !== '*') return this.refusePath(stream);
      if ((head.seen & Seen.fragment) !== 0 && !this.cutFragment(stream, head)) return false;
      if (this.needsNormalizing && !this.normalize(stream, head)) return false;
    }
    if (settings.host !== undefined) stripHost(head, settings.host, stream.connection.localPort);
    if (!stream.recreated && !this.trust(stream, head)) return false;
    const set = this.current;
    stream.routeSet = set;
    const route = set.routes.route(head, stream);
    if (route !== undefined) this.applyRoute(stream, route, set);
    const { tracing, logs } = this.manager;
    if (tracing !== undefined) tracing.decide(stream);
    if (logs?.begin !== undefined) logs.begin(stream);
    const special = (head.seen & (Seen.upgrade | Seen.expect)) !== 0 || connect;
    if (special && !this.upgradeOrContinue(stream, head, connect)) return false;
    if (tracing !== undefined) tracing.begin(stream);
    return true;
  }

  /** The route that a head would get, in the routes that the stream began with. */
  findRoute(headers: RequestHeaders, stream: ResponseStream): Route | undefined {
    return (stream.routeSet ?? this.current).routes.route(headers, stream);
  }

  private trust(stream: Stream, head: RequestHead): boolean {
    const { settings } = this.manager;
    if (settings.earlyMutation !== undefined) {
      stream.clientIp = stream.connection.remoteIp;
      settings.earlyMutation(head, stream);
      head.lookAgain();
    }
    const origin = applyForwarded(head, stream.connection, settings, this.origin, this.rules);
    stream.clientIp = origin.clientIp;
    if (origin.rejectStatus !== 0) {
      stream.reply(origin.rejectStatus, undefined, undefined, { details: 'rejected_by_original_ip_detection' });
      return false;
    }
    stream.internal = origin.internal;
    if (this.needsExtras) applyExtras(head, stream, settings);
    return true;
  }

  private applyRoute(stream: Stream, route: Route, { plans }: RouteSet): void {
    stream.route = route;
    const { action } = route;
    if (action.kind === 'forward') applyTimeouts(stream, action);
    if (plans.size > 0) stream.plan = plans.get(route) ?? this.manager.plan;
  }

  private refuseHost(stream: Stream): boolean {
    stream.reply(400, undefined, undefined, { details: 'missing_host_header' });
    return false;
  }

  private refusePath(stream: Stream): boolean {
    this.manager.stats.downstream_rq_non_relative_path.value++;
    stream.reply(404, undefined, undefined, { details: 'absolute_path_rejected' });
    return false;
  }

  private cutFragment(stream: Stream, head: RequestHead): boolean {
    if (this.manager.runtime.boolean(REJECT_FRAGMENTS, true)) return this.refuseNormalizing(stream);
    head.path = head.path.slice(0, head.path.indexOf('#'));
    return true;
  }

  private normalize(stream: Stream, head: RequestHead): boolean {
    const result = normalizePath(head.path, this.manager.settings);
    if ('path' in result) {
      head.path = result.path;
      return true;
    }
    if (!('redirect' in result) || stream.grpc) return this.refuseNormalizing(stream);
    this.manager.stats.downstream_rq_redirected_with_normalized_path.value++;
    stream.reply(307, undefined, { location: result.redirect }, { details: 'path_normalization_failed' });
    return false;
  }

  private refuseNormalizing(stream: Stream): boolean {
    this.manager.stats.downstream_rq_failed_path_normalization.value++;
    stream.reply(400, undefined, undefined, { details: 'path_normalization_failed' });
    return false;
  }

  private upgradeOrContinue(stream: Stream, head: RequestHead, connect: boolean): boolean {
    // Without a route the answer to a CONNECT is that there is none.
    if (connect ? stream.route !== undefined : (head.seen & Seen.upgrade) !== 0) {
      const type = connect ? 'connect' : head.upgradeTo.toLowerCase();
      if (!this.upgradeAllowed(stream.route, type)) return this.refuseUpgrade(stream);
      this.beginUpgrade(stream, head, connect ? '' : head.upgradeTo, this.plansOfUpgrades?.get(type));
    }
    if ((head.seen & Seen.expect) === 0) return true;
    if (this.manager.settings.proxy100Continue) head.fields.push('expect', '100-continue');
    else if (!stream.requestComplete) {
      stream.writer.writeInterim(CONTINUE);
      this.manager.chargeStatus(CONTINUE.status);
      this.manager.tracing?.undecided();
    }
    return true;
  }

  /** The route's switch, else the connection manager's. */
  private upgradeAllowed(route: Route | undefined, type: string): boolean {
    const own = route?.action.kind === 'forward' ? route.action.upgrades.get(type) : undefined;
    return own?.enabled ?? this.manager.settings.upgrades.get(type) ?? false;
  }

  /** What follows the head is no HTTP any more, if the other side agrees; an upgrade beside a body is not asked for. */
  private beginUpgrade(stream: Stream, head: RequestHead, to: string, plan: FilterPlan | undefined): void {
    head.upgradeTo = '';
    if (to !== '') {
      if (head.framing !== Body.none || head.minor === 0) return;
      head.upgradeTo = to;
      head.fields.push('upgrade', to);
    }
    if (plan !== undefined) stream.usePlan(plan);
    const { stats } = this.manager;
    stats.downstream_cx_upgrades_total.value++;
    stats.downstream_cx_upgrades_active.inc();
    stream.upgraded = true;
  }

  private refuseUpgrade(stream: Stream): boolean {
    this.manager.stats.downstream_rq_ws_on_non_ws_route.value++;
    // The client may already be speaking the other protocol behind its request. As in Envoy HTTP/2 is drained, too.
    stream.drainConnection();
    stream.reply(403, undefined, undefined, { details: 'upgrade_failed' });
    return false;
  }
}

function applyTimeouts(stream: Stream, action: ForwardAction): void {
  if (action.idleTimeoutMs !== undefined) stream.setIdleTimeout(action.idleTimeoutMs);
  if (action.flushTimeoutMs !== undefined) stream.flushTimeoutMs = action.flushTimeoutMs;
  const policy = action.streamDuration;
  if (policy === undefined) return;
  const durationMs = streamDuration(stream.requestHeaders, policy, stream.manager.settings.maxStreamDurationMs);
  stream.setMaxDuration(durationMs);
}
