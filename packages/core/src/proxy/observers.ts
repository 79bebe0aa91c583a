/** What access logs, tracers and stats sinks of a proxy are made with. */
import os from 'node:os';
import type { Clock, RandomSource, Timers } from '../api/clock.ts';
import type { LogFiles, NodeIdentity, ObserverContext } from '../api/observer.ts';
import type { Runtime } from '../api/runtime.ts';
import type { StatsScope } from '../api/stats.ts';
import type { Clusters } from '../api/upstream.ts';
import type { Logger } from '../runtime/log.ts';
import { ClusterSideCalls } from '../upstream/side-calls/side-calls.ts';
import { versionText } from '../version.ts';
import type { ProxyParts } from './parts.ts';

/** What the proxy gives. */
export interface ObserverParts {
  readonly parts: ProxyParts;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: RandomSource;
  readonly runtime: Runtime;
  readonly clusters: Clusters;
  readonly logger: Logger;
  readonly rootScope: StatsScope;
  readonly files: LogFiles;
}

/** The context of a proxy's observers. */
export function observerContext(given: ObserverParts): ObserverContext {
  const { clock, clusters, files, logger, parts, random, rootScope, runtime, timers } = given;
  const node = nodeIdentity(parts);
  const log: ObserverContext['log'] = (level, message) => logger.log(level, 'main', message);
  return {
    stats: rootScope,
    clusters,
    sideCalls: new ClusterSideCalls(clusters, timers, { runtime, random, localIp: node.localIp, log }),
    timers,
    random,
    runtime,
    node,
    files,
    wallMs: () => clock.wallMs(),
    log,
  };
}

/** Who the proxy is: the bootstrap's `node`, else the flags. */
function nodeIdentity({ bootstrap, node }: ProxyParts): NodeIdentity {
  const { locality } = bootstrap.node;
  return {
    id: bootstrap.node.id || (node?.id ?? ''),
    cluster: bootstrap.node.cluster || (node?.cluster ?? ''),
    region: locality?.region ?? '',
    zone: locality?.zone || (node?.zone ?? ''),
    subZone: locality?.subZone ?? '',
    localIp: localIp(),
    hostname: os.hostname(),
    version: versionText().split('/')[1] ?? '',
    metadata: bootstrap.node.metadata,
  };
}

/** As in Envoy the first IPv4 address that is no loopback. */
function localIp(): string {
  for (const addresses of Object.values(os.networkInterfaces())) {
    const found = addresses?.find(({ family, internal }) => family === 'IPv4' && !internal);
    if (found !== undefined) return found.address;
  }
  return '127.0.0.1';
}
