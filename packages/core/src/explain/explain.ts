/** Says what the proxy would do with a request, and why. Nothing is connected to. */
import { routeTablesOf } from '../config/places.ts';
import { flagString } from '../errors.ts';
import { CompiledRoute } from '../routing/compiled-route.ts';
import { describeMatch } from '../routing/describe.ts';
import { chooseListener, explainedChain, explainedListener, type HttpListener } from './choose-listener.ts';
import { explainedCluster } from './cluster.ts';
import type {
  ExplainedManager,
  ExplainedResponse,
  ExplainedRoute,
  ExplainedUpstreamRequest,
  ExplainedVirtualHost,
  ExplainOutcome,
  Explanation,
  HeaderChange,
  HeaderLine,
  SkippedRoute,
} from './explanation.ts';
import { explainedFilters } from './filters.ts';
import { changesBetween, type Head, linesOf } from './head.ts';
import { skippedRoutes } from './mismatch.ts';
import { policiesOf } from './policies.ts';
import type { RecordedRequest } from './recording-cluster.ts';
import { type Lookup, type Rehearsal, rehearse } from './rehearsal.ts';
import { completeRequest, type ExplainRequest, type FullRequest } from './request.ts';
import type { ExplainSource } from './source.ts';
import { matchedDomain, noVirtualHost } from './virtual-host.ts';

/** What stands for a request id that was made up, so that answers to the same question are the same. */
const GENERATED = '<generated>';
const TIMES = ['date', 'x-envoy-upstream-service-time'];

/** @throws ExplainError when the request is none, or no listener is meant by it. */
export function explain(source: ExplainSource, request: ExplainRequest): Explanation {
  const full = completeRequest(request);
  const listener = chooseListener(source.bootstrap.staticResources.listeners, full);
  const seen = rehearse(source, listener, full, (lookup) => atLookup(source, listener, lookup));
  return new Answer(source, full, listener, seen).whole();
}

/** What must be asked while the request is as it was when its route was looked up. */
interface AtLookup extends Pick<Explanation, 'virtualHost' | 'noVirtualHost'> {
  readonly earlierRoutes: readonly SkippedRoute[];
  readonly leftOut?: number;
}

function atLookup(source: ExplainSource, listener: HttpListener, { table, headers, stream, route }: Lookup): AtLookup {
  if (table === undefined) {
    return { noVirtualHost: { host: headers.authority, domains: [], hint: 'no scope fits' }, earlierRoutes: [] };
  }
  const host = table.hostOf(headers);
  const config = routeTablesOf(listener.manager).find((one) => one.table.name === table.name)?.table;
  // `vhost_header` names another field to take the host from.
  const { vhostHeader = '' } = (config ?? {}) as { readonly vhostHeader?: string };
  const name = vhostHeader === '' ? headers.authority : (headers.get(vhostHeader) ?? '');
  if (host === undefined) return { noVirtualHost: noVirtualHost(table, name), earlierRoutes: [] };
  const hostConfig = config?.virtualHosts.find((one) => one.name === host.name);
  const at = hostConfig && source.placeOf(hostConfig);
  const needsTls = route !== undefined && route === host.tlsRedirect;
  const virtualHost: ExplainedVirtualHost = {
    name: host.name,
    ...matchedDomain(host, name),
    host: name,
    routes: host.routes.length,
    ...(needsTls && { needsTls: true }),
    ...(at && { at }),
  };
  const asked = route instanceof CompiledRoute ? host.routes.slice(0, route.source.index) : needsTls ? [] : host.routes;
  const leftOut = Math.max(asked.length - source.mostEarlierRoutes, 0);
  return { virtualHost, earlierRoutes: skippedRoutes(asked.slice(leftOut), headers, stream, source), leftOut };
}

class Answer {
  private readonly source: ExplainSource;
  private readonly request: FullRequest;
  private readonly listener: HttpListener;
  private readonly seen: Rehearsal<AtLookup>;
  private readonly found: AtLookup | undefined;
  private readonly route: CompiledRoute | undefined;
  /** The request as the client writes it. */
  private readonly written: Head;

  constructor(source: ExplainSource, request: FullRequest, listener: HttpListener, seen: Rehearsal<AtLookup>) {
    this.source = source;
    this.request = request;
    this.listener = listener;
    this.seen = seen;
    this.found = seen.atLookup;
    const route = seen.lookup?.route;
    this.route = route instanceof CompiledRoute ? route : undefined;
    this.written = writtenHead(request);
  }

  whole(): Explanation {
    const { source, listener, seen, found, route } = this;
    const { virtualHost, noVirtualHost } = found ?? {};
    const { method, url, sourceIp, tls, random, runtime, headers } = this.request;
    return {
      request: { method, url, headers, sourceIp, tls, random, runtime },
      outcome: this.outcome(),
      listener: explainedListener(listener, source),
      filterChain: explainedChain(listener, source),
      connectionManager: this.manager(),
      ...(virtualHost && { virtualHost }),
      ...(noVirtualHost && { noVirtualHost }),
      ...(route && { route: this.explainedRoute(route) }),
      earlierRoutes: found?.earlierRoutes ?? [],
      ...(found?.leftOut && { earlierRoutesLeftOut: found.leftOut }),
      ...this.forwarding(),
      response: this.response(),
      filters: explainedFilters(listener.manager, route, seen.passed),
    };
  }

  private outcome(): ExplainOutcome {
    const { lookup, admitted } = this.seen;
    // The connection manager answers some requests after their route is known, e.g. upgrades that it does not allow.
    if (lookup === undefined || admitted === undefined) return 'refused';
    return lookup.route?.action.kind ?? 'no_route';
  }

  private manager(): ExplainedManager {
    const { manager, managerEntry } = this.listener;
    const { stream, admitted, lookup } = this.seen;
    const at = this.source.placeOf(managerEntry);
    const after = admitted ?? lookup?.head;
    return {
      statPrefix: manager.statPrefix,
      routeConfig: lookup?.table?.name ?? manager.routeConfig?.name ?? '',
      ...(at && { at }),
      clientIp: stream?.clientIp ?? '',
      internal: stream?.internal ?? false,
      changes: after === undefined ? [] : this.named(changesBetween(this.written, after)),
    };
  }

  private explainedRoute(route: CompiledRoute): ExplainedRoute {
    const { index, settings } = route.source;
    const at = this.source.placeOf(settings);
    const hasMetadata = Object.keys(route.metadata).length > 0;
    return {
      name: route.name,
      index,
      match: describeMatch(settings.match),
      ...(at && { at }),
      ...(hasMetadata && { metadata: route.metadata }),
    };
  }

  private forwarding(): Pick<Explanation, 'cluster' | 'upstreamRequest' | 'policies'> {
    const action = this.route?.action;
    if (this.route === undefined || action?.kind !== 'forward') return {};
    const { admitted, requests } = this.seen;
    const sent = requests[0];
    return {
      cluster: explainedCluster(this.route, action, admitted, this.source),
      ...(sent && admitted && { upstreamRequest: this.upstreamRequest(admitted, sent) }),
      policies: policiesOf(action, this.listener.manager, admitted, this.seen.hash ?? {}),
    };
  }

  private upstreamRequest(admitted: Head, { head: sent, tcp }: RecordedRequest): ExplainedUpstreamRequest {
    return {
      ...(tcp && { tcp }),
      method: sent.method,
      path: sent.path,
      host: sent.host,
      headers: this.named(
        linesOf(sent)
          .slice(2)
          .map(([name, value]) => ({ name, value })),
      ).map(({ name, value }): HeaderLine => [name, value]),
      changes: this.named(changesBetween(admitted, sent)),
    };
  }

  private response(): ExplainedResponse {
    const { response, stream } = this.seen;
    const { details = '', flags = 0 } = stream ?? {};
    // What a stopped clock shows says nothing, nor does the length of a body that nobody sent.
    const dropped = this.seen.requests.length > 0 ? [...TIMES, 'content-length'] : TIMES;
    const headers = response.headers.filter(([name]) => !dropped.includes(name));
    return {
      ...response,
      headers: this.named(headers.map(([name, value]) => ({ name, value }))).map(({ name, value }) => [name, value]),
      ...(details !== '' && { details }),
      ...(flags !== 0 && { flags: flagString(flags) }),
    };
  }

  /** Puts a fixed word in the place of a request id that the client has not sent. */
  private named<Line extends { readonly name: string; readonly value: string } | HeaderChange>(
    lines: readonly Line[],
  ): Line[] {
    const own = this.written.fields.find(([name]) => name === 'x-request-id')?.[1];
    return lines.map((line) => {
      return line.name === 'x-request-id' && line.value !== own ? { ...line, value: GENERATED } : line;
    });
  }
}

function writtenHead({ method, target, headers }: FullRequest): Head {
  const lines = headers.map(([name, value]): HeaderLine => [name.toLowerCase(), value.trim()]);
  const host = lines.find(([name]) => name === 'host')?.[1] ?? '';
  // CONNECT has no path; its target is the host.
  return { method, path: method === 'CONNECT' ? '' : target, host, fields: lines.filter(([name]) => name !== 'host') };
}
