/** Envoy `SlowStartConfig`. */
import { double, duration, message, percent, string, withDefault } from '@mesh/core/proto';

/** Envoy `RuntimeDouble`: a number that a runtime key may replace. */
export const runtimeDouble = message(
  { default_value: withDefault(double(), 0), runtime_key: withDefault(string(), '') },
  { name: 'envoy.config.core.v3.RuntimeDouble' },
);

/** Field `slow_start_config` of the policies. A window of 0, or none, is no slow start. */
export const slowStartConfig = message(
  {
    slow_start_window: withDefault(duration(), 0),
    aggression: runtimeDouble,
    min_weight_percent: withDefault(percent, { value: 10 }),
  },
  { name: 'envoy.extensions.load_balancing_policies.common.v3.SlowStartConfig' },
);

/** A parsed {@link runtimeDouble}. */
export type RuntimeDouble = ReturnType<typeof runtimeDouble.parse>;
/** A parsed {@link slowStartConfig}. */
export type SlowStartConfig = ReturnType<typeof slowStartConfig.parse>;
