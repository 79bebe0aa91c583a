/** How the listeners of a proxy end: told to drain by the admin server, or with the proxy. */

import type { DrainOptions } from '../admin/index.ts';
import type { ListenerConfig } from '../config/listener.ts';
import { managersOf } from '../listener-build.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import type { ListenerManager } from './listener-manager.ts';
import { connectionsOf, isInbound, type RunningListener, startDrain, stopListening } from './listeners.ts';

/** While draining, a connection that has been idle this long is closed; a request may still be on its way before. */
const DRAIN_IDLE_MS = 1000;
const DRAIN_POLL_MS = 50;

/** What drains. */
export class Drains {
  /** Listeners have been told to stop: none may begin. */
  stopped = false;
  private readonly manager: ListenerManager;
  private readonly drainTimeMs: number;
  private readonly wheel: TimerWheel;
  private what: 'none' | 'inbound' | 'all' = 'none';
  private ended: Promise<void> | undefined = undefined;

  constructor(manager: ListenerManager, drainTimeMs: number, wheel: TimerWheel) {
    this.manager = manager;
    this.drainTimeMs = drainTimeMs;
    this.wheel = wheel;
  }

  /** Whether the connections of a listener are to end. */
  covers(config: ListenerConfig): boolean {
    return this.what === 'all' || (this.what === 'inbound' && isInbound(config));
  }

  /** `/drain_listeners` */
  async listeners({ graceful, skipExit, inboundOnly }: DrainOptions): Promise<void> {
    const chosen = this.manager.chosen(inboundOnly);
    if (graceful) {
      if (this.what !== 'all') this.what = inboundOnly ? 'inbound' : 'all';
      startDrain(chosen);
      if (skipExit) return;
      this.stopped = true;
      await waitForConnections(chosen, this.drainTimeMs, this.wheel);
    }
    this.stopped = true;
    await stopListening(chosen);
  }

  /** The whole proxy; the same promise each time. */
  all(): Promise<void> {
    this.ended ??= this.end();
    return this.ended;
  }

  private async end(): Promise<void> {
    this.what = 'all';
    this.stopped = true;
    const all = this.manager.withConnections;
    await stopListening(all);
    startDrain(all);
    await waitForConnections(all, this.drainTimeMs, this.wheel);
    for (const { listener } of all) listener.destroyConnections();
  }
}

/** Idle connections go once they have been quiet for a moment: their next request may be on its way. */
function waitForConnections(listeners: readonly RunningListener[], limitMs: number, wheel: TimerWheel): Promise<void> {
  const fromMs = wheel.nowMs();
  const endMs = fromMs + limitMs;
  return new Promise((resolve) => {
    const look = () => {
      const now = wheel.nowMs();
      const left = connectionsOf(listeners);
      if (left === 0 || now >= endMs) {
        resolve();
        return;
      }
      if (now - fromMs >= DRAIN_IDLE_MS) closeIdle(listeners, now);
      keepAlive = setTimeout(() => {}, DRAIN_POLL_MS * 4);
      wheel.after(DRAIN_POLL_MS, () => {
        clearTimeout(keepAlive);
        look();
      });
    };
    let keepAlive: NodeJS.Timeout;
    look();
  });
}

function closeIdle(listeners: readonly RunningListener[], now: number): void {
  for (const { build, listener } of listeners) {
    listener.destroyPending();
    for (const { manager } of managersOf(build)) {
      for (const connection of manager.connections) {
        if (connection.idleForMs(now) >= DRAIN_IDLE_MS) connection.shutdown(false);
      }
    }
  }
}
