/** A runtime with some values replaced, for questions of the form "what if". */
import type { Runtime, RuntimeFraction } from '../api/runtime.ts';
import { type RuntimeEntry, textEntry } from '../runtime/runtime-entry.ts';

/** `values` over `base`. Texts are read as those of `/runtime_modify` are. */
export class RuntimeOverlay implements Runtime {
  private readonly base: Runtime;
  private readonly values: ReadonlyMap<string, RuntimeEntry>;

  constructor(base: Runtime, values: Readonly<Record<string, string>>) {
    this.base = base;
    this.values = new Map(Object.entries(values).map(([key, text]) => [key, textEntry(text)]));
  }

  get(key: string): string | undefined {
    return this.values.get(key)?.text ?? this.base.get(key);
  }

  integer(key: string, fallback: number): number {
    const entry = this.values.get(key);
    return entry === undefined ? this.base.integer(key, fallback) : (entry.integer ?? fallback);
  }

  boolean(key: string, fallback: boolean): boolean {
    const entry = this.values.get(key);
    return entry === undefined ? this.base.boolean(key, fallback) : (entry.boolean ?? fallback);
  }

  enabled(fraction: RuntimeFraction, random: number): boolean {
    const entry = fraction.runtimeKey === '' ? undefined : this.values.get(fraction.runtimeKey);
    if (entry === undefined) return this.base.enabled(fraction, random);
    if (entry.fraction !== undefined) return random % entry.fraction.denominator < entry.fraction.numerator;
    // A plain number is a percentage; what is neither leaves the configured share, whatever the layers below say.
    if (entry.integer !== undefined) return random % 100 < entry.integer;
    return random % fraction.denominator < fraction.numerator;
  }
}
