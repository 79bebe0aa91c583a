/** What is still being sent for parts of the proxy that are gone: last entries of access logs, last spans. */
import type { Clock } from '../api/clock.ts';

/** The end of the proxy waits no longer for an extension that does not come to its end. */
const MOST_MS = 3000;

export class Closings {
  private readonly open = new Set<Promise<void>>();

  add(closing: Promise<void>): void {
    const done = closing.finally(() => this.open.delete(done)).catch(() => {});
    this.open.add(done);
  }

  /** Resolves when all that was added has come to its end, or after three seconds. */
  async all(clock: Clock): Promise<void> {
    if (this.open.size === 0) return;
    let cancel = () => {};
    const enough = new Promise<void>((resolve) => {
      cancel = clock.schedule(resolve, MOST_MS);
    });
    await Promise.race([Promise.all(this.open), enough]);
    cancel();
  }
}
