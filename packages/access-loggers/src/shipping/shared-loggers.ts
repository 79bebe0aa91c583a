/** Loggers of one proxy with the same configuration are one, as in Envoy. */
import type { ObserverContext } from '@mesh/core';

/** Something that is closed when its last user is gone. */
export interface Closable {
  close(): Promise<void>;
}

interface Shared<Logger> {
  readonly logger: Logger;
  users: number;
}

/** A logger that others use as well. */
export interface Lease<Logger> {
  readonly logger: Logger;
  /** Gives it back; resolves when that was the last one and it is closed. */
  release(): Promise<void>;
}

export class SharedLoggers<Logger extends Closable> {
  private readonly byProxy = new WeakMap<ObserverContext, Map<string, Shared<Logger>>>();

  /** The logger for `key`, made when nobody has it. */
  take(context: ObserverContext, key: string, make: () => Logger): Lease<Logger> {
    let loggers = this.byProxy.get(context);
    if (loggers === undefined) {
      loggers = new Map();
      this.byProxy.set(context, loggers);
    }
    const known = loggers.get(key);
    const shared = known ?? { logger: make(), users: 0 };
    if (known === undefined) loggers.set(key, shared);
    shared.users++;
    return { logger: shared.logger, release: () => release(loggers, key, shared) };
  }
}

async function release<Logger extends Closable>(
  loggers: Map<string, Shared<Logger>>,
  key: string,
  shared: Shared<Logger>,
): Promise<void> {
  shared.users--;
  if (shared.users > 0) return;
  loggers.delete(key);
  await shared.logger.close();
}
