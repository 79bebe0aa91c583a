/** The tracers of a proxy: one for each provider config, however many connection managers have it, so that reports are shared. */
import { isDeepStrictEqual } from 'node:util';
import type { ObserverContext } from '../api/observer.ts';
import type { Tracer } from '../api/tracer.ts';
import { errorText, MeshError } from '../errors.ts';

/** A provider of the configuration. */
export interface ProviderEntry {
  readonly name: string;
  /** Makes the tracer; the same object for the same extension. */
  readonly definition: { create(config: unknown, context: ObserverContext): Tracer };
  readonly config: unknown;
}

interface Shared {
  readonly entry: ProviderEntry;
  readonly tracer: Tracer;
  users: number;
}

export class Tracers {
  private readonly shared: Shared[] = [];
  private readonly context: ObserverContext;
  private readonly closing: (end: Promise<void>) => void;

  /** `closing` is told of what a tracer still reports when nobody uses it any more. */
  constructor(context: ObserverContext, closing: (end: Promise<void>) => void) {
    this.context = context;
    this.closing = closing;
  }

  /**
   * The tracer of a provider; to be given back with {@link release}.
   * @throws MeshError `CONFIG_INVALID` when it cannot be made.
   */
  acquire(entry: ProviderEntry): Tracer {
    const found = this.shared.find(({ entry: { definition, config } }) => {
      return definition === entry.definition && isDeepStrictEqual(config, entry.config);
    });
    if (found !== undefined) {
      found.users++;
      return found.tracer;
    }
    const tracer = this.create(entry);
    this.shared.push({ entry, tracer, users: 1 });
    return tracer;
  }

  private create({ name, definition, config }: ProviderEntry): Tracer {
    try {
      return definition.create(config, this.context);
    } catch (error) {
      if (error instanceof MeshError) throw error;
      throw new MeshError('CONFIG_INVALID', `${name}: ${(error as Error).message}`, { cause: error });
    }
  }

  release(tracer: Tracer): void {
    const index = this.shared.findIndex((each) => each.tracer === tracer);
    const found = this.shared[index];
    if (found === undefined || --found.users > 0) return;
    this.shared.splice(index, 1);
    this.closing(this.end(tracer));
  }

  private async end(tracer: Tracer): Promise<void> {
    try {
      await tracer.close?.();
    } catch (error) {
      this.failed(error);
    }
  }

  /** A call of a tracer threw: a counter, and a line in the proxy's log. */
  failed(error: unknown): void {
    this.context.stats.counter('tracing.failed').inc();
    this.context.log('error', `a tracer failed: ${errorText(error)}`);
  }
}
