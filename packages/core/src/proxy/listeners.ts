/** The listeners of a proxy: what they are built from, and what is done with all of them. */
import { isDeepStrictEqual } from 'node:util';
import { accessLogs } from '../access-log-build.ts';
import type { EntryLogs } from '../api/access-log.ts';
import type { AccessLogConfig } from '../config/access-log.ts';
import { listenerSettings } from '../config/build.ts';
import type { HttpConnectionManagerConfig } from '../config/http-connection-manager.ts';
import type { FilterChainConfig, ListenerConfig } from '../config/listener.ts';
import {
  type BuildContext,
  type BuiltChain,
  type ListenerBuild,
  listenerBuild,
  managersOf,
} from '../listener-build.ts';
import { type Address, formatAddress } from '../net/address.ts';
import type { ConnectionLimits } from '../net/connection-limits.ts';
import { type EndHook, Listener } from '../net/listener.ts';
import { connectionSubject } from '../observe/connection-subject.ts';
import { listenerStats, type Scope, workerStats } from '../stats/index.ts';
import type { ResourceSource } from './resource-source.ts';

/** A listener with what its connections go through. */
export interface RunningListener {
  source: ResourceSource<ListenerConfig>;
  readonly listener: Listener;
  /** Its filter chains may be replaced while it runs. */
  build: ListenerBuild;
  /** Builds other chains for the same socket; those whose config has not changed are the same objects. */
  rebuild(config: ListenerConfig): ListenerBuild;
  /** Gives back its statistics; not those of its chains. */
  release(): void;
  /** Its last connection is gone: its own access logs end. */
  closeLogs(): void;
}

/** What is the same for all listeners of a proxy. */
export type ListenerParts = Omit<BuildContext, 'bufferLimitBytes' | 'listenerScope' | 'draining'>;

/** @throws MeshError `CONFIG_INVALID`, see `listenerBuild`. */
export function buildListener(
  source: ResourceSource<ListenerConfig>,
  shared: ListenerParts,
  limits: ConnectionLimits,
  draining: () => boolean,
): RunningListener {
  const { config } = source;
  const settings = listenerSettings(config);
  const { wheel, logger } = shared;
  const rootScope = shared.rootScope.scope('');
  const listenerScope = scopeOf(config, settings.addresses[0] as Address, rootScope);
  const { bufferLimitBytes } = settings;
  const context: BuildContext = { ...shared, rootScope, listenerScope, bufferLimitBytes, draining };
  let logs: EntryLogs | undefined;
  try {
    const stats = listenerStats(listenerScope);
    logs = accessLogs(config.accessLog as readonly AccessLogConfig[], shared.observers);
    const build = listenerBuild(config, context);
    const worker = workerStats(listenerScope.scope('worker_0'));
    const onEnd = logs && endHook(logs, config.name, shared);
    const listener = new Listener(settings, { plan: build.plan, stats, worker, wheel, logger, limits, onEnd });
    const running: RunningListener = {
      source,
      build,
      listener,
      rebuild: (changed) => listenerBuild(changed, context, (chain) => sameChain(running.build.chains, chain)),
      release: () => rootScope.close(),
      closeLogs: () => closeLogs(logs, shared),
    };
    return running;
  } catch (error) {
    rootScope.close();
    closeLogs(logs, shared);
    throw error;
  }
}

/** Makes an entry for each connection of the listener that has ended. */
function endHook(logs: EntryLogs, listenerName: string, { clusters, wheel, runtime, random }: ListenerParts): EndHook {
  const place = { clusters, timers: wheel, runtime, random, listenerName };
  return (connection, facts, chain) => logs.log(connectionSubject(connection, facts, place, chain), 'NotSet');
}

function closeLogs(logs: EntryLogs | undefined, { closing }: ListenerParts): void {
  if (logs === undefined) return;
  const end = logs.close();
  closing?.(end);
}

function sameChain(chains: readonly BuiltChain[], config: FilterChainConfig): BuiltChain | undefined {
  return chains.find((chain) => isDeepStrictEqual(chain.config, config));
}

function scopeOf({ statPrefix }: ListenerConfig, address: Address, root: Scope): Scope {
  return root.scope(`listener.${statPrefix === '' ? formatAddress(address) : statPrefix}.`);
}

/** As in Envoy: nothing but filter chains differs, so that connections of unchanged chains may stay. */
export function differsInChainsOnly(a: ListenerConfig, b: ListenerConfig): boolean {
  return isDeepStrictEqual(withoutChains(a), withoutChains(b));
}

/** `use_proxy_proto` of the first chain is a listener filter. */
function withoutChains({ filterChains, defaultFilterChain, ...rest }: ListenerConfig) {
  return { ...rest, useProxyProto: (filterChains[0] ?? defaultFilterChain)?.useProxyProto ?? false };
}

/** The config with the route tables that are in force; the same object while none has been replaced. */
export function currentConfig({ source, build }: RunningListener): ListenerConfig {
  const { config } = source;
  const replaced = new Map<unknown, HttpConnectionManagerConfig>();
  for (const built of managersOf(build)) if (built.config !== built.given) replaced.set(built.given, built.config);
  if (replaced.size === 0) return config;
  const chain = (one: FilterChainConfig): FilterChainConfig => ({
    ...one,
    filters: one.filters.map((filter) => {
      const routed = replaced.get(filter.config);
      return routed === undefined ? filter : { ...filter, config: routed };
    }),
  });
  return {
    ...config,
    filterChains: config.filterChains.map(chain),
    ...(config.defaultFilterChain && { defaultFilterChain: chain(config.defaultFilterChain) }),
  };
}

/** Takes no further connections; resolves when the sockets are closed. */
export async function stopListening(listeners: readonly RunningListener[]): Promise<void> {
  await Promise.all(listeners.map(({ listener }) => listener.stop()));
}

/** Open connections. */
export function connectionsOf(listeners: readonly Pick<RunningListener, 'listener'>[]): number {
  return listeners.reduce((sum, { listener }) => sum + listener.connectionCount, 0);
}

/** The clients that can be told that their connections end are told. */
export function startDrain(listeners: readonly RunningListener[]): void {
  for (const { build } of listeners) for (const { manager } of managersOf(build)) manager.startDrain();
}

/** Whether the listener takes what others send here (`traffic_direction`). */
export function isInbound(config: ListenerConfig): boolean {
  return config.trafficDirection === 'INBOUND';
}
