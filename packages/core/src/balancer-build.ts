/** The balancing policies of clusters, from what their config asks for and the extensions that serve it. */
import type { BalancingChoice, LoadBalancer, LoadBalancerContext, LocalCluster } from './api/load-balancer.ts';
import type { Runtime } from './api/runtime.ts';
import type { LoadBalancerDefinition } from './define/index.ts';
import { MeshError } from './errors.ts';
import type { Registry } from './registry.ts';
import type { TimerWheel } from './runtime/timer-wheel.ts';
import type { Scope } from './stats/index.ts';
import { RoundRobin } from './upstream/default-pick.ts';

/** What a policy is built with. */
export interface BalancerParts {
  readonly registry: Registry;
  readonly clusterName: string;
  readonly random: () => number;
  readonly wheel: TimerWheel;
  readonly runtime: Runtime;
  /** `cluster.<name>.` */
  readonly scope: Scope;
  readonly healthyPanicThreshold: number;
  readonly local: LocalCluster | undefined;
}

const ROUND_ROBIN = 'envoy.load_balancing_policies.round_robin';

/** @throws MeshError `CONFIG_INVALID` when no extension serves the policy. */
export function buildBalancer(choice: BalancingChoice, parts: BalancerParts): LoadBalancer {
  const { registry, clusterName, random, wheel, runtime, scope, healthyPanicThreshold, local } = parts;
  const definition = definitionOf(choice) ?? registry.find('load-balancer', { name: choice.name });
  if (definition !== undefined) {
    const context: LoadBalancerContext = {
      clusterName,
      random,
      timers: wheel,
      runtime,
      stats: scope,
      healthyPanicThreshold,
      local,
      make: (inner) => buildBalancer(inner, parts),
    };
    return definition.create(choice.config, context);
  }
  if (choice.name === ROUND_ROBIN) return new RoundRobin(random);
  const message = `cluster ${clusterName}: no extension serves ${choice.name}; pass extensions: [...standard]`;
  throw new MeshError('CONFIG_INVALID', message);
}

/** What was resolved from a file or made in code brings its definition along: it need not be registered. */
function definitionOf(choice: BalancingChoice): LoadBalancerDefinition | undefined {
  return (choice as { readonly definition?: LoadBalancerDefinition }).definition;
}
