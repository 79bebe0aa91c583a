/** The runtime of a route check. */
import type { Runtime, RuntimeFraction } from '../api/runtime.ts';
import { RuntimeOverlay } from '../explain/runtime-overlay.ts';
import { NO_RUNTIME } from '../runtime/layered-runtime.ts';

/**
 * Values of the test file's own `runtime` map, and one key that a test switches on. As in Envoy's tool a share that
 * has a key counts only when the key is on (or has a value), and a share of 0 counts as 1 then.
 */
export class CheckRuntime implements Runtime {
  /** The key that is on; '' for none. */
  active = '';
  private readonly values: Runtime;

  constructor(values: Readonly<Record<string, unknown>>) {
    const texts = Object.entries(values).map(([key, value]) => {
      return [key, typeof value === 'object' ? JSON.stringify(value) : String(value)] as const;
    });
    this.values = new RuntimeOverlay(NO_RUNTIME, Object.fromEntries(texts));
  }

  get(key: string): string | undefined {
    return this.values.get(key);
  }

  integer(key: string, fallback: number): number {
    return this.values.integer(key, fallback);
  }

  boolean(key: string, fallback: boolean): boolean {
    return this.values.boolean(key, fallback);
  }

  enabled(fraction: RuntimeFraction, random: number): boolean {
    const { runtimeKey, numerator } = fraction;
    const known = runtimeKey === '' || runtimeKey === this.active || this.values.get(runtimeKey) !== undefined;
    return known && this.values.enabled({ ...fraction, numerator: Math.max(numerator, 1) }, random);
  }
}
