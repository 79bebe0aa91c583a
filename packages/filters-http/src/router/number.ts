/** Numbers in header fields. */

const MAX_UINT64 = '18446744073709551615';

/** A non-negative whole number of at most 64 bits, as Envoy's parser takes it; `undefined` for anything else. */
export function wholeNumber(value: string): number | undefined {
  const digits = value.trim();
  if (!/^\+?\d{1,20}$/.test(digits)) return undefined;
  const bare = digits.startsWith('+') ? digits.slice(1) : digits;
  // Of two texts of twenty digits the greater one is the greater number.
  return bare.length === 20 && bare > MAX_UINT64 ? undefined : Number(bare);
}
