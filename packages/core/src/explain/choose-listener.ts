/** Which listener a request would come to, and the connection manager in it. */

import { listenAddress } from '../config/build.ts';
import type { HttpConnectionManagerConfig } from '../config/http-connection-manager.ts';
import { didYouMean } from '../config/issues.ts';
import type { ListenerConfig } from '../config/listener.ts';
import { httpConnectionManager } from '../http-connection-manager.ts';
import { formatAddress } from '../net/address.ts';
import type { ExplainedFilterChain, ExplainedListener } from './explanation.ts';
import { ExplainError, type FullRequest } from './request.ts';
import type { ExplainSource } from './source.ts';

/** A listener with HTTP in it. */
export interface HttpListener {
  readonly config: ListenerConfig;
  readonly manager: HttpConnectionManagerConfig;
  /** The entry of the connection manager among the network filters. */
  readonly managerEntry: object;
  readonly chain: NonNullable<ListenerConfig['defaultFilterChain']>;
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
  const all = listeners.map(describe);
  if (request.listener !== undefined) return named(all, request.listener);
  const http = all.filter(isHttp);
  const [only, second] = http;
  if (only === undefined) throw new ExplainError('no listener has an HTTP connection manager');
  const fitting = http.filter(({ ports }) => ports.includes(request.port));
  const [match, another] = fitting;
  if (match !== undefined && another === undefined) return match;
  if (second === undefined) return { ...only, note: `the only one with HTTP; the URL's port is ${request.port}` };
  const names = (fitting.length > 0 ? fitting : http).map(({ config, address }) => `${config.name} (${address})`);
  const what = fitting.length > 0 ? 'several listeners have' : 'no listener has';
  throw new ExplainError(`${what} port ${request.port}: name one with --listener: ${names.join(', ')}`);
}

type Candidate = Omit<HttpListener, 'manager' | 'managerEntry' | 'chain'> & Partial<HttpListener>;

function isHttp(candidate: Candidate): candidate is HttpListener {
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
  if (!isHttp(found)) throw new ExplainError(`listener ${name} has no HTTP connection manager`);
  return { ...found, note: 'named by the caller' };
}

/** The proxy builds the first filter chain of a listener, else the default one. */
function describe(config: ListenerConfig): Candidate {
  const address = listenAddress(config.address);
  const all = [address, ...config.additionalAddresses.map((more) => listenAddress(more.address))];
  const ports = all.map((one) => ('path' in one ? -1 : one.port));
  const where = {
    config,
    address: formatAddress('path' in address ? { path: address.path } : address),
    port: ports[0] as number,
    ports,
    note: undefined,
    chainIndex: config.filterChains.length > 0 ? 0 : -1,
  };
  const chain = config.filterChains[0] ?? config.defaultFilterChain;
  const managerEntry = chain?.filters.find(({ definition }) => definition === (httpConnectionManager as unknown));
  if (chain === undefined || managerEntry === undefined) return where;
  const manager = managerEntry.config as HttpConnectionManagerConfig;
  return { ...where, chain, manager, managerEntry };
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
  const filters = chain.filters.filter(({ definition }) => definition !== (httpConnectionManager as unknown));
  return {
    name: (chain as { readonly name?: string }).name ?? '',
    index: chainIndex,
    ...(at && { at }),
    networkFilters: filters.map(({ name }) => name),
  };
}
