/** Values that operators change while the proxy runs: Envoy's layered runtime. */

/** A share of requests, e.g. 5 of 100, that a runtime key may replace (Envoy `RuntimeFractionalPercent`). */
export interface RuntimeFraction {
  readonly numerator: number;
  readonly denominator: 100 | 10_000 | 1_000_000;
  /** '' when no key replaces it. */
  readonly runtimeKey: string;
}

/** What is known at this moment; reading allocates nothing. Keys are matched as they are written. */
export interface Runtime {
  /** The final value of a key over all layers; `undefined` when no layer has it. */
  get(key: string): string | undefined;
  /** A non-negative integer; `fallback` when the key is absent or no integer. */
  integer(key: string, fallback: number): number;
  /** `true` or `false`, or an integer that is not 0 or 0; `fallback` when the key is absent or neither. */
  boolean(key: string, fallback: boolean): boolean;
  /**
   * Whether a request belongs to the share: `random % denominator < numerator`. A runtime value is an integer percentage
   * or a JSON fraction (`{"numerator": 5, "denominator": "TEN_THOUSAND"}`). `random` is a non-negative integer.
   */
  enabled(fraction: RuntimeFraction, random: number): boolean;
}
