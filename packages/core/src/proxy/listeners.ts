/** The listeners of a proxy: what they are built from, and what is done with all of them. */

import { listenerSettings } from '../config/build.ts';
import type { ListenerConfig } from '../config/listener.ts';
import { type BuildContext, type ListenerBuild, listenerBuild } from '../listener-build.ts';
import { type Address, formatAddress } from '../net/address.ts';
import type { ConnectionLimits } from '../net/connection-limits.ts';
import { Listener } from '../net/listener.ts';
import { listenerStats, type Scope } from '../stats/index.ts';

/** A listener with what its connections go through. */
export interface RunningListener {
  readonly config: ListenerConfig;
  readonly listener: Listener;
  readonly build: ListenerBuild;
}

/** What is the same for all listeners of a proxy. */
export type ListenerParts = Omit<BuildContext, 'bufferLimitBytes' | 'listenerScope'>;

/** @throws MeshError `CONFIG_INVALID`, see `listenerBuild`. */
export function buildListener(config: ListenerConfig, parts: ListenerParts, limits: ConnectionLimits): RunningListener {
  const settings = listenerSettings(config);
  const { wheel, logger } = parts;
  const listenerScope = scopeOf(config, settings.addresses[0] as Address, parts.rootScope);
  const stats = listenerStats(listenerScope);
  const build = listenerBuild(config, { ...parts, bufferLimitBytes: settings.bufferLimitBytes, listenerScope });
  return { config, build, listener: new Listener(settings, { plan: build.plan, stats, wheel, logger, limits }) };
}

function scopeOf({ statPrefix }: ListenerConfig, address: Address, root: Scope): Scope {
  return root.scope(`listener.${statPrefix === '' ? formatAddress(address) : statPrefix}.`);
}

/** Takes no further connections; resolves when the sockets are closed. */
export async function stopListening(listeners: readonly RunningListener[]): Promise<void> {
  await Promise.all(listeners.map(({ listener }) => listener.stop()));
}

/** Open connections. */
export function connectionsOf(listeners: readonly RunningListener[]): number {
  return listeners.reduce((sum, { listener }) => sum + listener.connectionCount, 0);
}

/** The clients that can be told that their connections end are told. */
export function startDrain(listeners: readonly RunningListener[]): void {
  for (const { build } of listeners) for (const manager of build.managers) manager.startDrain();
}

/** Whether the listener takes what others send here (`traffic_direction`). */
export function isInbound(config: ListenerConfig): boolean {
  return config.trafficDirection === 'INBOUND';
}
