/** How many connections may be open at once: per listener and in all, as the runtime says. */
import type { Runtime } from '../api/runtime.ts';

/** Envoy's runtime key of the limit over all listeners. */
const GLOBAL_KEY = 'overload.global_downstream_max_connections';

/** What one proxy's listeners count together. */
export interface OpenConnections {
  count: number;
}

/** The limits of one listener. */
export class ConnectionLimits {
  private readonly runtime: Runtime;
  private readonly key: string;
  private readonly all: OpenConnections;
  private readonly ignoreGlobal: boolean;

  /** `ignoreGlobal`: Envoy's `ignore_global_conn_limit`; its connections count all the same. */
  constructor(runtime: Runtime, listener: string, all: OpenConnections, ignoreGlobal: boolean) {
    this.runtime = runtime;
    this.key = `envoy.resource_limits.listener.${listener}.connection_limit`;
    this.all = all;
    this.ignoreGlobal = ignoreGlobal;
  }

  /** Which limit forbids one more connection beside the `open` ones of this listener. */
  exceeded(open: number): 'global' | 'listener' | undefined {
    const { runtime } = this;
    if (!this.ignoreGlobal && this.all.count >= runtime.integer(GLOBAL_KEY, Number.POSITIVE_INFINITY)) return 'global';
    return open >= runtime.integer(this.key, Number.POSITIVE_INFINITY) ? 'listener' : undefined;
  }

  opened(): void {
    this.all.count++;
  }

  closed(): void {
    this.all.count--;
  }
}
