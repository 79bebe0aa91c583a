/** Where walks and schedules begin. */
import type { RandomSource } from '@mesh/core';

/** A whole number below 2^30. */
export function newSeed(random: RandomSource): number {
  return Math.floor(random() * 0x4000_0000);
}
