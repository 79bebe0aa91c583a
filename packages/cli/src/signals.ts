/** Signals, and the other ways to end. */
import type { Logger, ProcessLogger } from '@mesh/core';
import type { Io } from './io.ts';

/** Exit codes of a process that a signal ended, as shells tell them. */
const FORCED_CODES = { SIGTERM: 143, SIGINT: 130 } as const;

/**
 * Listens for the end. The first SIGTERM or SIGINT asks for a drain (Envoy stops at once and leaves draining to the
 * admin server; supervisors and `docker stop` send just this signal and wait), the second ends the process there and
 * then. SIGHUP, which a closed terminal sends, is eaten.
 */
export class Ending {
  /** Resolves when the end is asked for, in whatever way. */
  readonly asked: Promise<void>;
  /** Resolves when the end shall not wait for requests. */
  readonly quitting: Promise<void>;
  readonly #io: Io;
  readonly #logger: Logger;
  readonly #stops: readonly (() => void)[];
  #end: () => void = () => {};
  #quit: () => void = () => {};
  #signalled = false;

  constructor(io: Io, logger: Logger) {
    this.#io = io;
    this.#logger = logger;
    this.asked = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.quitting = new Promise((resolve) => {
      this.#quit = resolve;
    });
    // A proxy without listeners has nothing else that keeps the process.
    const hold = setInterval(() => {}, 0x7fffffff);
    this.#stops = [
      io.onSignal('SIGTERM', () => this.#onSignal('SIGTERM')),
      io.onSignal('SIGINT', () => this.#onSignal('SIGINT')),
      io.onSignal('SIGHUP', () => logger.log('warning', 'main', 'caught and eating SIGHUP')),
      () => clearInterval(hold),
    ];
  }

  /** The admin server was told `/quitquitquit`: as in Envoy, that means at once. */
  quit(): void {
    this.#logger.log('info', 'main', 'asked to quit by the admin server');
    this.#end();
    this.#quit();
  }

  /** Stops listening. */
  stop(): void {
    for (const stop of this.#stops) stop();
  }

  #onSignal(signal: 'SIGTERM' | 'SIGINT'): void {
    if (this.#signalled) {
      this.#logger.log('warning', 'main', `caught a second signal (${signal}), ending at once`);
      this.#io.exit(FORCED_CODES[signal]);
      return;
    }
    this.#signalled = true;
    this.#logger.log('warning', 'main', `caught ${signal}, draining; a second signal ends at once`);
    this.#end();
  }
}

/** Reopens the log file on SIGUSR1. `reopen` does the same for those who ask otherwise. */
export function onReopen(
  io: Io,
  logger: Pick<ProcessLogger, 'log' | 'reopen'>,
): { readonly reopen: () => void; readonly stop: () => void } {
  const reopen = (): void => {
    logger.reopen().then(
      () => logger.log('info', 'main', 'log files reopened'),
      (error: unknown) => logger.log('error', 'main', `log files could not be reopened: ${(error as Error).message}`),
    );
  };
  return { reopen, stop: io.onSignal('SIGUSR1', reopen) };
}
