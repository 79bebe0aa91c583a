/** How much to fuzz. */

/** `FUZZ_RUNS` asks for a long run; without it a property takes a few seconds. */
export function runs(quick: number): number {
  return process.env.FUZZ_RUNS === undefined ? quick : Number(process.env.FUZZ_RUNS);
}

/** Fixed, so that a failure comes again; `FUZZ_SEED` sets another one. */
export const seed = Number(process.env.FUZZ_SEED ?? 20_261_121);

/** Time allowed to one property. */
export const timeoutMs = process.env.FUZZ_RUNS === undefined ? 60_000 : 24 * 3_600_000;
