/** Every extension point: one shape, `defineX({ name, typeUrl?, config, create })`. */
import type { ClusterMonitorDefinition, DiscoveryDefinition, LoadBalancerDefinition } from './clusters.ts';
import type { HttpFilterDefinition, ListenerFilterDefinition, NetworkFilterDefinition } from './filters.ts';
import type { AccessLogDefinition, StatsSinkDefinition, TracerDefinition } from './observers.ts';

export * from './clusters.ts';
export type { Configured, ExtensionKind } from './extension.ts';
export * from './filters.ts';
export * from './observers.ts';

/** Anything that `createProxy({ extensions })` takes. */
export type Extension =
  | HttpFilterDefinition
  | NetworkFilterDefinition
  | ListenerFilterDefinition
  | DiscoveryDefinition
  | LoadBalancerDefinition
  | ClusterMonitorDefinition
  | AccessLogDefinition
  | TracerDefinition
  | StatsSinkDefinition;
