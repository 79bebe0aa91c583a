/**
 * What happens to an error that nobody caught.
 *
 * The engine catches what a filter's hook throws and what a promise returned by it rejects with; that costs its own
 * stream a 500. What arrives here escaped from elsewhere: a callback that an extension gave to a timer or an emitter, a
 * promise it did not return, or a fault of the proxy itself. The cases cannot be told apart with certainty, and Node's
 * default, to end the process, would turn one bad stream into the loss of all. So the process goes on: at worst the one
 * stream hangs until its timeout cuts it, which every stream has. Each error is logged as critical with its whole stack,
 * so that it is found, and counted in `server.uncaught_exceptions` or `server.unhandled_rejections`, so that an alarm
 * can be set on it; the logger cuts repetitions, so that a storm of errors is not also one of lines.
 *
 * Until the proxy serves there are no streams to protect, and half a start must not look like a good one: then the same
 * error ends the program.
 */
import type { Counter, Logger, MeshProxy } from '@mesh/core';
import type { Io, UncaughtKind } from './io.ts';

/** Watches for errors that nobody caught. */
export class UncaughtErrors {
  /** Stops watching. */
  readonly stop: () => void;
  /** Rejects with the first such error before {@link serving}. */
  readonly whileStarting: Promise<never>;
  readonly #logger: Logger;
  #counters: Record<UncaughtKind, Counter> | undefined;
  #failStart: (error: unknown) => void = () => {};

  constructor(io: Io, logger: Logger) {
    this.#logger = logger;
    this.whileStarting = new Promise((_resolve, reject) => {
      this.#failStart = reject;
    });
    // Whoever waits for the start hears of it; afterwards nobody listens, which is no second error.
    this.whileStarting.catch(() => {});
    this.stop = io.onUncaught((error, kind) => this.#onError(error, kind));
  }

  /** From now on errors are survived. */
  serving(proxy: MeshProxy): void {
    const scope = proxy.stats.scope('server.');
    this.#counters = {
      exception: scope.counter('uncaught_exceptions'),
      rejection: scope.counter('unhandled_rejections'),
    };
  }

  #onError(error: unknown, kind: UncaughtKind): void {
    this.#counters?.[kind].inc();
    const what = kind === 'exception' ? 'uncaught exception' : 'unhandled rejection';
    this.#logger.log('critical', 'main', `${what}: ${describe(error)}`);
    if (this.#counters === undefined) this.#failStart(error);
  }
}

/** The stack, which begins with the message; also of what is thrown and is no error. */
export function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
