/** Waits until the connections of draining listeners are gone. */
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import { connectionsOf, type RunningListener } from './listeners.ts';

/** While draining, a connection that has been idle this long is closed; a request may still be on its way before. */
const DRAIN_IDLE_MS = 1000;
const DRAIN_POLL_MS = 50;

/** Idle connections go once they have been quiet for a moment: their next request may be on its way. */
export function waitForConnections(
  listeners: readonly RunningListener[],
  limitMs: number,
  wheel: TimerWheel,
): Promise<void> {
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
    for (const manager of build.managers) {
      for (const connection of manager.connections) {
        if (connection.idleForMs(now) >= DRAIN_IDLE_MS) connection.shutdown(false);
      }
    }
  }
}
