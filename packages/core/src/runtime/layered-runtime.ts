/** Envoy's layered runtime. */
import type { Runtime, RuntimeFraction } from '../api/runtime.ts';

/** A runtime without a layer: every answer is the fallback. */
export const NO_RUNTIME: Runtime = Object.freeze({
  get: () => undefined,
  integer: (_key: string, fallback: number) => fallback,
  boolean: (_key: string, fallback: boolean) => fallback,
  enabled: ({ numerator, denominator }: RuntimeFraction, random: number) => random % denominator < numerator,
});
