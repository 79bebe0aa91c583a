/** Waiting for a condition instead of sleeping. */

interface Waiter {
  readonly check: () => boolean;
  readonly resolve: () => void;
}

/** How long a test waits for what it says must happen, before it fails and tells what was missing. */
const PATIENCE_MS = 5000;

/** Conditions that are looked at again whenever their owner calls `notify`. */
export class Signal {
  private readonly waiters = new Set<Waiter>();

  /** Something changed: resolves every waiter whose condition now holds. */
  notify(): void {
    for (const waiter of this.waiters) {
      if (!waiter.check()) continue;
      this.waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** Resolves as soon as `check` is true; rejects, naming `what`, when that takes longer than five seconds. */
  until(check: () => boolean, what: string): Promise<void> {
    if (check()) return Promise.resolve();
    const asked = new Error(`waited ${PATIENCE_MS} ms in vain for ${what}`);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        check,
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        this.waiters.delete(waiter);
        reject(asked);
      }, PATIENCE_MS);
      this.waiters.add(waiter);
    });
  }
}

/**
 * Resolves as soon as `check` is true, looked at once per turn of the event loop; for state that tells nobody when it
 * changes, such as counters. Rejects, naming `what`, after five seconds.
 */
export async function until(check: () => boolean, what: string): Promise<void> {
  const asked = new Error(`waited ${PATIENCE_MS} ms in vain for ${what}`);
  const end = performance.now() + PATIENCE_MS;
  while (!check()) {
    if (performance.now() > end) throw asked;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
