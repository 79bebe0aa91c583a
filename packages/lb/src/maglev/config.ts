/** Envoy `Maglev`. */
import { message, uint64, withDefault } from '@mesh/core/proto';
import { consistentHashingLbConfig, localityWeightedLbConfig } from '../hashing/config.ts';

/** The config message. */
export const maglevConfig = message(
  {
    table_size: withDefault(uint64({ max: 5_000_011 }), 65_537),
    consistent_hashing_lb_config: consistentHashingLbConfig,
    locality_weighted_lb_config: localityWeightedLbConfig,
  },
  {
    name: 'envoy.extensions.load_balancing_policies.maglev.v3.Maglev',
    check({ tableSize }, report) {
      if (tableSize === undefined || isPrime(tableSize)) return;
      report({ path: ['table_size'], message: 'The table size of maglev must be prime number' });
    },
  },
);

function isPrime(value: number): boolean {
  if (value < 2) return false;
  for (let factor = 2; factor * factor <= value; factor++) if (value % factor === 0) return false;
  return true;
}
