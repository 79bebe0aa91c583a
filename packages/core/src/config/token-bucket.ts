/** Envoy's `TokenBucket` and `RuntimeFeatureFlag`, which local limits are made of. */
import { message, required, withDefault } from './message.ts';
import { bool, duration, nonEmpty, uint32 } from './proto-json.ts';

/** Envoy `TokenBucket`. A bucket of no tokens gives none, as in Envoy. */
export const tokenBucket = message(
  {
    max_tokens: required(uint32()),
    tokens_per_fill: withDefault(uint32({ min: 1 }), 1),
    fill_interval: required(duration({ aboveMs: 0 })),
  },
  { name: 'envoy.type.v3.TokenBucket' },
);

/** Envoy `RuntimeFeatureFlag`: a switch that a runtime key may turn. */
export const runtimeFlag = message(
  { default_value: required(bool()), runtime_key: required(nonEmpty()) },
  { name: 'envoy.config.core.v3.RuntimeFeatureFlag' },
);
