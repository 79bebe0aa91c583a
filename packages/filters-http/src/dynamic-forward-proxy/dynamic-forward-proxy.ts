/** Holds a request until the host that it names is found. */
import {
  type HeadersAnswerNow,
  type HostNames,
  type HttpFilter,
  type HttpStream,
  type NamedHost,
  type NameUser,
  type NameWait,
  type Replied,
  type RequestHeaders,
  ResponseFlag,
  STOP,
} from '@mesh/core';
import type { RewriteConfig } from './index.ts';

/** Filter state that names another host or port than the request does. */
const HOST_KEY = 'envoy.upstream.dynamic_host';
const PORT_KEY = 'envoy.upstream.dynamic_port';
/** Filter state that is left for others. */
const ADDRESS_KEY = 'envoy.stream.upstream_address';

export interface DynamicForwardProxySettings {
  readonly saveAddress: boolean;
  readonly hostFromFilterState: boolean;
  routeConfig(stream: HttpStream): RewriteConfig | undefined;
}

/** Of one request. */
export interface WaitState {
  wait: NameWait | undefined;
}

export class DynamicForwardProxy implements HttpFilter<WaitState> {
  private readonly settings: DynamicForwardProxySettings;

  constructor(settings: DynamicForwardProxySettings) {
    this.settings = settings;
  }

  onRequestHeaders(headers: RequestHeaders, stream: HttpStream, state: WaitState): HeadersAnswerNow {
    const names = namesOf(headers, stream);
    if (names === undefined) return undefined;
    rewriteHost(headers, this.settings.routeConfig(stream));
    if (headers.authority === '') {
      return stream.reply(400, 'Empty host header', undefined, { details: 'empty_host_header' });
    }
    const { saveAddress } = this.settings;
    const answer = this.load(names, headers, stream, {
      onNamed(host) {
        state.wait = undefined;
        if (stream.finished) return;
        if (goOn(host, stream, saveAddress) === undefined) stream.resumeRequest();
      },
    });
    if (typeof answer === 'string') {
      const [text, details] = answer === 'host overflow' ? HOST_OVERFLOW : PENDING_OVERFLOW;
      return stream.reply(503, text, undefined, { details });
    }
    if (!('cancel' in answer)) return goOn(answer, stream, saveAddress);
    state.wait = answer;
    return STOP;
  }

  onComplete(_stream: HttpStream, state: WaitState): void {
    state.wait?.cancel();
  }

  private load(names: HostNames, headers: RequestHeaders, stream: HttpStream, user: NameUser) {
    if (!this.settings.hostFromFilterState) return names.load(headers.authority, user);
    const { filterState } = stream.info;
    const host = filterState.get(HOST_KEY);
    const port = Number(filterState.get(PORT_KEY) ?? 0);
    const known = Number.isInteger(port) && port > 0 && port <= 65_535;
    return names.load(typeof host === 'string' ? host : headers.authority, user, known ? port : undefined);
  }
}

const HOST_OVERFLOW = ['DNS cache overflow', 'dns_cache_overflow'] as const;
const PENDING_OVERFLOW = [
  'Dynamic forward proxy pending request overflow',
  'dynamic_forward_proxy_pending_request_overflow',
] as const;

/** The names of the cluster that the request is for; `undefined` when that cluster knows its hosts. */
function namesOf(headers: RequestHeaders, { clusters, route }: HttpStream): HostNames | undefined {
  const action = route?.action;
  if (action?.kind !== 'forward') return undefined;
  const name = action.clusterHeader === undefined ? action.cluster : (headers.get(action.clusterHeader) ?? '');
  return clusters.get(name)?.names;
}

/** Goes upstream as well as into the lookup. Of several fields of the name the first one counts. */
function rewriteHost(headers: RequestHeaders, config: RewriteConfig | undefined): void {
  if (config === undefined) return;
  const { hostRewriteHeader, hostRewriteLiteral } = config;
  const host = hostRewriteLiteral || (hostRewriteHeader === '' ? undefined : headers.get(hostRewriteHeader));
  if (host !== undefined) headers.authority = host;
}

/** Nothing when the request may go on. */
function goOn(host: NamedHost, stream: HttpStream, saveAddress: boolean): Replied | undefined {
  const { address, details } = host;
  if (address === undefined) {
    return stream.reply(503, 'DNS resolution failure', undefined, { flag: ResponseFlag.DF, details });
  }
  if (saveAddress) stream.info.filterState.set(ADDRESS_KEY, address);
  return undefined;
}
