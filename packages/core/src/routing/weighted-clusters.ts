/** Draws one of several clusters by weight. */
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { WeightedClustersSettings } from './action-settings.ts';
import type { HashPolicies } from './hash-policy.ts';

/**
 * The choice of a weighted cluster: `value % total` falls into the interval of one entry, in list order. The value is
 * the number in a header, else the hash of the route's hash policies (`use_hash_policy`), else the stream's random one.
 */
export class WeightedChoice<Variant> {
  readonly variants: readonly Variant[];
  private readonly weights: readonly number[];
  private readonly total: number;
  /** Runtime keys of the weights; empty when they cannot change. */
  private readonly runtimeKeys: readonly string[];
  private readonly header: string;
  private readonly hashPolicies: HashPolicies | undefined;

  constructor(
    settings: WeightedClustersSettings,
    variants: readonly Variant[],
    hashPolicies: HashPolicies | undefined,
  ) {
    const { clusters, runtimeKeyPrefix, headerName, useHashPolicy } = settings;
    this.variants = variants;
    this.weights = clusters.map(({ weight }) => weight);
    this.total = this.weights.reduce((sum, weight) => sum + weight, 0);
    this.runtimeKeys = runtimeKeyPrefix === '' ? [] : clusters.map(({ name }) => `${runtimeKeyPrefix}.${name}`);
    this.header = headerName?.toLowerCase() ?? '';
    this.hashPolicies = useHashPolicy ? hashPolicies : undefined;
  }

  /** `undefined` when the runtime has set every weight to 0 or their sum beyond 32 bits, as in Envoy. */
  pick(headers: RequestHeaders, stream: HttpStream): Variant | undefined {
    const total = this.runtimeKeys.length === 0 ? this.total : this.currentTotal(stream);
    if (total === 0 || total > 0xffff_ffff) return undefined;
    const value = this.drawn(headers, stream, total);
    let end = 0;
    for (let i = 0; i < this.weights.length; i++) {
      end += this.weight(i, stream);
      if (value < end) return this.variants[i];
    }
    return undefined;
  }

  private currentTotal(stream: HttpStream): number {
    let total = 0;
    for (let i = 0; i < this.weights.length; i++) total += this.weight(i, stream);
    return total;
  }

  private weight(index: number, stream: HttpStream): number {
    const configured = this.weights[index] as number;
    const key = this.runtimeKeys[index];
    return key === undefined ? configured : stream.runtime.integer(key, configured);
  }

  private drawn(headers: RequestHeaders, stream: HttpStream, total: number): number {
    const given = this.header === '' ? undefined : numberIn(headers, this.header);
    const large = given ?? this.hashPolicies?.hash(stream, undefined);
    return large === undefined ? stream.random % total : Number(large % BigInt(total));
  }
}

/** The number in a header with exactly one line; anything else does not count. */
function numberIn(headers: RequestHeaders, name: string): bigint | undefined {
  const text = headers.get(name);
  if (text === undefined || !/^\s*\+?\d{1,20}\s*$/.test(text) || headers.getAll(name).length !== 1) return undefined;
  const value = BigInt(text.trim().replace('+', ''));
  return value < 1n << 64n ? value : undefined;
}
