/** All scenarios, by topic; a topic has a file here and a recording of the same name. */
import type { Scenario } from '../scenario.ts';
import { answering } from './answering.ts';
import { balancing } from './balancing.ts';
import { clusters } from './clusters.ts';
import { conditions } from './conditions.ts';
import { filterChains } from './filter-chains.ts';
import { forwarding } from './forwarding.ts';
import { hashes } from './hashing.ts';
import { headerMutation } from './header-mutation.ts';
import { healthFilter } from './health-filter.ts';
import { http2Downstream } from './http2-downstream.ts';
import { http2Limits } from './http2-limits.ts';
import { http2Tunnels } from './http2-tunnels.ts';
import { http2Upstream } from './http2-upstream.ts';
import { localReplies } from './local-replies.ts';
import { manager } from './manager.ts';
import { matching } from './matching.ts';
import { networkFilters } from './network-filters.ts';
import { options } from './options.ts';
import { proxyHeadersBothWays } from './proxy-protocol.ts';
import { replyDetails } from './reply-details.ts';
import { retries } from './retries.ts';
import { rewriting } from './rewriting.ts';
import { statistics } from './statistics.ts';
import { targets } from './targets.ts';
import { tcpProxying } from './tcp.ts';
import { timeouts } from './timeouts.ts';
import { tlsServer } from './tls.ts';
import { upgrades } from './upgrades.ts';

/** Scenarios by topic. */
export const topics: Readonly<Record<string, readonly Scenario[]>> = {
  matching,
  conditions,
  rewriting,
  answering,
  'header-mutation': headerMutation,
  clusters,
  hashing: hashes,
  balancing,
  retries,
  timeouts,
  forwarding,
  targets,
  manager,
  options,
  upgrades,
  statistics,
  'local-replies': localReplies,
  'reply-details': replyDetails,
  'http2-downstream': http2Downstream,
  'http2-limits': http2Limits,
  'http2-upstream': http2Upstream,
  'http2-tunnels': http2Tunnels,
  tls: tlsServer,
  'filter-chains': filterChains,
  tcp: tcpProxying,
  'proxy-protocol': proxyHeadersBothWays,
  'network-filters': networkFilters,
  'health-filter': healthFilter,
};

/** All of them. */
export const scenarios: readonly Scenario[] = Object.values(topics).flat();
