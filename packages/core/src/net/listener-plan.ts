/** What is the same for all connections of a listener: its listener filters and its filter chains. */
import type { ListenerConnection, ListenerFilter } from '../api/listener-filter.ts';
import { type ChainConditions, ChainMatcher, type ChainQuery } from './chain-match.ts';
import type { NetworkPlan } from './filter-chain.ts';
import type { ServerTransport } from './transport.ts';

/** One filter chain, ready for connections. */
export interface ListenerChain {
  readonly name: string;
  readonly plan: NetworkPlan;
  /** `undefined` for cleartext. */
  readonly transport: ServerTransport | undefined;
  /** How long a handshake may take (`transport_socket_connect_timeout`); 0 is without limit. */
  readonly transportTimeoutMs: number;
}

/** One listener filter, ready to run. */
export interface PlannedListenerFilter {
  readonly name: string;
  readonly filter: ListenerFilter;
  /** Connections that it is not run for (`filter_disabled`). */
  readonly disabled: ((connection: ListenerConnection) => boolean) | undefined;
}

/** What a plan is made from. */
export interface ListenerPlanParts {
  readonly chains: readonly { readonly conditions: ChainConditions; readonly chain: ListenerChain }[];
  readonly fallback: ListenerChain | undefined;
  readonly filters: readonly PlannedListenerFilter[];
  /** Of all listener filters together; 0 is without limit. */
  readonly filtersTimeoutMs: number;
  /** Whether a connection whose time is over is matched with what is known of it, instead of closed. */
  readonly continueOnTimeout: boolean;
}

/** The way of a listener's connections to their filter chains. */
export class ListenerPlan {
  readonly filters: readonly PlannedListenerFilter[];
  readonly filtersTimeoutMs: number;
  readonly continueOnTimeout: boolean;
  /** The chain of every connection, when nothing has to be known of one to choose it. */
  readonly only: ListenerChain | undefined;
  /** Every chain, the default one included. */
  readonly chains: readonly ListenerChain[];
  /** Two chains ask for the same. */
  readonly overlapping: boolean;
  private readonly matcher = new ChainMatcher<ListenerChain>();
  private readonly fallback: ListenerChain | undefined;

  constructor({ chains, fallback, filters, filtersTimeoutMs, continueOnTimeout }: ListenerPlanParts) {
    this.filters = filters;
    this.filtersTimeoutMs = filtersTimeoutMs;
    this.continueOnTimeout = continueOnTimeout;
    this.fallback = fallback;
    this.chains = [...chains.map(({ chain }) => chain), ...(fallback === undefined ? [] : [fallback])];
    let overlapping = false;
    for (const { conditions, chain } of chains) overlapping = !this.matcher.add(conditions, chain) || overlapping;
    this.overlapping = overlapping;
    this.only = onlyChain(chains, fallback);
  }

  /** The chain for a connection; `undefined`: it is closed. */
  find(query: ChainQuery): ListenerChain | undefined {
    return this.matcher.find(query) ?? this.fallback;
  }
}

function onlyChain(chains: ListenerPlanParts['chains'], fallback: ListenerChain | undefined) {
  const [first, second] = chains;
  if (first === undefined) return fallback;
  return second === undefined && asksNothing(first.conditions) ? first.chain : undefined;
}

function asksNothing(conditions: ChainConditions): boolean {
  const { destinationPort, transportProtocol, sourceType } = conditions;
  const lists = [
    conditions.prefixRanges,
    conditions.serverNames,
    conditions.applicationProtocols,
    conditions.directSourcePrefixRanges,
    conditions.sourcePrefixRanges,
    conditions.sourcePorts,
  ];
  const empty = lists.every((list) => list.length === 0);
  return empty && destinationPort === undefined && transportProtocol === '' && sourceType === 'ANY';
}
