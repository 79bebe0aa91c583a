/** Which listener a request would come to, and the connection manager in it. */

import { listenAddress } from '../config/build.ts';
import { chainConditions, matchText } from '../config/filter-chain-match.ts';
import type { HttpConnectionManagerConfig } from '../config/http-connection-manager.ts';
import { didYouMean } from '../config/issues.ts';
import type { FilterChainConfig, ListenerConfig } from '../config/listener.ts';
import { serverTlsSettings } from '../config/tls/build.ts';
import { httpConnectionManager } from '../http-connection-manager.ts';
import { formatAddress } from '../net/address.ts';
import { ChainMatcher, type ChainQuery } from '../net/chain-match.ts';
import type { ExplainedFilterChain, ExplainedListener } from './explanation.ts';
import { ExplainError, type FullRequest } from './request.ts';
import type { ExplainSource } from './source.ts';

/** A listener with HTTP in it. */
export interface HttpListener {
  readonly config: ListenerConfig;
  readonly manager: HttpConnectionManagerConfig;
  /** The entry of the connection manager among the network filters. */
  readonly managerEntry: object;
  readonly chain: FilterChainConfig;
  /** -1 is the default filter chain. */
  readonly chainIndex: number;
  readonly address: string;
  /** -1 for a unix socket. */
  readonly port: number;
  /** Of all its addresses. */
  readonly ports: readonly number[];
  readonly note: string | undefined;
}

/** @throws ExplainError when none or several listeners are meant. */
export function chooseListener(listeners: readonly ListenerConfig[], request: FullRequest): HttpListener {
  const all = listeners.map((config) => describe(config, request));
  if (request.listener !== undefined) return named(all, request.listener);
  const http = all.filter(isHttp);
  const [only, second] = http;
  if (only === undefined) {
    const unmatched = all.find(({ chain, ports }) => chain === undefined && ports.includes(request.port)) ?? all[0];
    if (unmatched !== undefined && unmatched.chain === undefined) throw noChain(unmatched);
    throw new ExplainError('no listener has an HTTP connection manager');
  }
  const fitting = http.filter(({ ports }) => ports.includes(request.port));
  const [match, another] = fitting;
  if (match !== undefined && another === undefined) return match;
  if (second === undefined) return { ...only, note: `the only one with HTTP; the URL's port is ${request.port}` };
  const names = (fitting.length > 0 ? fitting : http).map(({ config, address }) => `${config.name} (${address})`);
  const what = fitting.length > 0 ? 'several listeners have' : 'no listener has';
  throw new ExplainError(`${what} port ${request.port}: name one with --listener: ${names.join(', ')}`);
}

type Candidate = Omit<HttpListener, 'manager' | 'managerEntry' | 'chain'> &
  Partial<HttpListener> & { readonly query: ChainQuery };

function isHttp(candidate: Candidate): candidate is Candidate & HttpListener {
  return candidate.manager !== undefined;
}

function named(all: readonly Candidate[], name: string): HttpListener {
  const found = all.find(({ config }) => config.name === name);
  if (found === undefined) {
    const names = all.map(({ config }) => config.name);
    const hint = didYouMean(name, names);
    throw new ExplainError(
      `no listener is named ${JSON.stringify(name)}${hint ? ` (${hint})` : ''}: ${names.join(', ')}`,
    );
  }
  if (found.chain === undefined) throw noChain(found);
  if (!isHttp(found)) throw new ExplainError(`listener ${name} has no HTTP connection manager`);
  return { ...found, note: 'named by the caller' };
}

function noChain({ config, query }: Candidate): ExplainError {
  const { serverName, transportProtocol, applicationProtocols, remoteIp } = query;
  const known = JSON.stringify({ serverName, transportProtocol, applicationProtocols, remoteIp });
  return new ExplainError(`no filter chain of listener ${config.name} is for this connection: ${known}`);
}

function describe(config: ListenerConfig, request: FullRequest): Candidate {
  const address = listenAddress(config.address);
  const all = [address, ...config.additionalAddresses.map((more) => listenAddress(more.address))];
  const ports = all.map((one) => ('path' in one ? -1 : one.port));
  const query = queryOf(config, ports, request);
  const chain = chainFor(config, query);
  const where = {
    config,
    address: formatAddress('path' in address ? { path: address.path } : address),
    port: ports[0] as number,
    ports,
    note: chain && transportNote(chain, request),
    query,
    chainIndex: chain === undefined ? -1 : config.filterChains.indexOf(chain),
  };
  const managerEntry = chain?.filters.find(({ definition }) => definition === (httpConnectionManager as unknown));
  if (chain === undefined) return where;
  if (managerEntry === undefined) return { ...where, chain };
  const manager = managerEntry.config as HttpConnectionManagerConfig;
  return { ...where, chain, manager, managerEntry };
}

function chainFor({ filterChains, defaultFilterChain }: ListenerConfig, query: ChainQuery) {
  const matcher = new ChainMatcher<FilterChainConfig>();
  for (const chain of filterChains) matcher.add(chainConditions(chain.filterChainMatch), chain);
  return matcher.find(query) ?? defaultFilterChain;
}

/** What the listener would know of the request's connection: only what one of its filters looks at. */
function queryOf(config: ListenerConfig, ports: readonly number[], request: FullRequest): ChainQuery {
  const has = (name: string) =>
    config.listenerFilters.some(({ definition }) => definition.name === `envoy.filters.listener.${name}`);
  const looked = request.tls && has('tls_inspector');
  const { address = '' } = config.address.socketAddress ?? {};
  const anywhere = address === '0.0.0.0' || address === '::';
  return {
    localIp: anywhere ? (request.sourceIp.includes(':') ? '::1' : '127.0.0.1') : address,
    localPort: ports.includes(request.port) ? request.port : Math.max(ports[0] ?? 0, 0),
    serverName: looked ? request.serverName.toLowerCase() : '',
    transportProtocol: looked ? 'tls' : 'raw_buffer',
    applicationProtocols: looked ? OFFERED : !request.tls && has('http_inspector') ? ['http/1.1'] : [],
    directRemoteIp: request.sourceIp,
    remoteIp: request.sourceIp,
    remotePort: 50_000,
  };
}

/** What browsers and curl offer. */
const OFFERED = ['h2', 'http/1.1'];

function transportNote(chain: FilterChainConfig, { tls }: FullRequest): string | undefined {
  const secured = serverTlsSettings(chain.transportSocket) !== undefined;
  return secured && !tls ? 'its filter chain expects TLS; the URL is http' : undefined;
}

/** The listener in the words of the answer. */
export function explainedListener(chosen: HttpListener, source: ExplainSource): ExplainedListener {
  const { config, address, note } = chosen;
  const at = source.placeOf(config);
  return { name: config.name, address, ...(at && { at }), ...(note !== undefined && { note }) };
}

/** The filter chain in the words of the answer. */
export function explainedChain({ chain, chainIndex }: HttpListener, source: ExplainSource): ExplainedFilterChain {
  const at = source.placeOf(chain);
  const match = matchText(chain.filterChainMatch);
  const filters = chain.filters.filter(({ definition }) => definition !== (httpConnectionManager as unknown));
  return {
    name: chain.name,
    index: chainIndex,
    ...(match !== '{}' && { match }),
    ...(at && { at }),
    networkFilters: filters.map(({ name }) => name),
  };
}
