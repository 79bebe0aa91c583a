/** How sources of endpoints, balancing policies and cluster monitors are defined. */
import type { Discovery, DiscoveryContext } from '../api/discovery.ts';
import type { ClusterMonitor, ClusterMonitorContext } from '../api/health.ts';
import type { LoadBalancer, LoadBalancerContext } from '../api/load-balancer.ts';
import type { StandardSchema } from '../config/standard-schema.ts';
import {
  anything,
  type Configured,
  type ExtensionBase,
  factory,
  type SchemaInput,
  type SchemaOutput,
} from './extension.ts';

/** A discovery's definition. */
export interface DiscoveryDefinition extends ExtensionBase<'discovery'> {
  /** Values of a cluster's `type` that it serves, e.g. `STRICT_DNS`. */
  readonly types: readonly string[];
  /** What it makes has a `balancer`: its clusters need `lb_policy: CLUSTER_PROVIDED`. */
  readonly balances: boolean;
  prepare?(config: never, typeConfig: never): unknown;
  create(context: DiscoveryContext<never, never>): Discovery;
}

/** A balancing policy's definition, with its types erased for the registry. */
export interface LoadBalancerDefinition extends ExtensionBase<'load-balancer'> {
  create(config: unknown, context: LoadBalancerContext): LoadBalancer;
}

/** A cluster monitor's definition, with its types erased for the registry. */
export interface ClusterMonitorDefinition extends ExtensionBase<'cluster-monitor'> {
  create(context: ClusterMonitorContext<never>): ClusterMonitor | undefined;
}

/** A balancing policy for `cluster(name, { loadBalancing })`. */
export type ConfiguredLoadBalancer = Configured<LoadBalancerDefinition>;

/** A source of endpoints for `cluster(name, { clusterType })`. */
export type ConfiguredDiscovery = Configured<DiscoveryDefinition>;

/** A definition that can be called with its config. */
export type DiscoveryFactory<Input> = DiscoveryDefinition &
  ({} extends Input ? (config?: Input) => ConfiguredDiscovery : (config: Input) => ConfiguredDiscovery);

/** What {@link defineDiscovery} takes. */
export interface DiscoveryOptions<Config, Schema extends StandardSchema = StandardSchema> {
  /** The name in `cluster_type`. */
  readonly name: string;
  readonly typeUrl?: string;
  /** Values of a cluster's `type` that it serves besides. Default none. */
  readonly types?: readonly string[];
  /** Schema of `cluster_type.typed_config`, which becomes `context.typeConfig`. Default: anything is taken as it is. */
  readonly config?: Schema;
  /** What `create` returns has a `balancer`; its clusters then need `lb_policy: CLUSTER_PROVIDED`. Default false. */
  readonly balances?: boolean;
  /** What the cluster's config comes to for clusters of this type; called before the cluster is built. */
  prepare?(config: Config, typeConfig: SchemaOutput<Schema>): Config;
  /** Called once per cluster. `context.config` is the parsed cluster config. */
  create(context: DiscoveryContext<Config, SchemaOutput<Schema>>): Discovery;
}

/**
 * Defines where a cluster's endpoints come from.
 *
 * @example
 * export const fixed = defineDiscovery({
 *   name: 'acme.clusters.fixed',
 *   config: z.object({ ip: z.string(), port: z.number() }),
 *   create: ({ publish, typeConfig: { ip, port } }) => ({
 *     start: async () => publish([{ ip, port, hostname: '', weight: 1, priority: 0, locality: { region: '', zone: '', subZone: '' } }]),
 *     close: () => {},
 *   }),
 * });
 * // in code: cluster('c', { clusterType: fixed({ ip: '127.0.0.1', port: 9001 }) });
 * // in YAML: cluster_type: { name: acme.clusters.fixed, typed_config: { ip: 127.0.0.1, port: 9001 } }
 */
export function defineDiscovery<Config, Schema extends StandardSchema = StandardSchema>(
  options: DiscoveryOptions<Config, Schema>,
): DiscoveryFactory<SchemaInput<Schema>> {
  return factory({
    kind: 'discovery',
    name: options.name,
    typeUrl: options.typeUrl,
    config: options.config ?? anything,
    routeConfig: undefined,
    types: options.types ?? [],
    balances: options.balances ?? false,
    ...(options.prepare && { prepare: (config, typeConfig) => options.prepare?.(config, typeConfig) ?? config }),
    create: (context) => options.create(context),
  } satisfies DiscoveryDefinition) as unknown as DiscoveryFactory<SchemaInput<Schema>>;
}

/** A definition that can be called with its config. */
export type LoadBalancerFactory<Input> = LoadBalancerDefinition &
  ({} extends Input ? (config?: Input) => ConfiguredLoadBalancer : (config: Input) => ConfiguredLoadBalancer);

/** What {@link defineLoadBalancer} takes. */
export interface LoadBalancerOptions<Config extends StandardSchema> {
  readonly name: string;
  readonly typeUrl?: string;
  readonly config: Config;
  /** Called once per cluster, and again whenever the cluster's config changes. */
  create(config: SchemaOutput<Config>, context: LoadBalancerContext): LoadBalancer;
}

/**
 * Defines how a cluster chooses among its hosts.
 *
 * @example
 * export const first = defineLoadBalancer({
 *   name: 'acme.load_balancing_policies.first',
 *   config: z.object({}),
 *   create: () => {
 *     let hosts: readonly Host[] = [];
 *     return { update: ({ priorities }) => void (hosts = priorities[0]?.healthy ?? []), pick: () => hosts[0] };
 *   },
 * });
 */
export function defineLoadBalancer<Config extends StandardSchema>(
  options: LoadBalancerOptions<Config>,
): LoadBalancerFactory<SchemaInput<Config>> {
  return factory({
    kind: 'load-balancer',
    name: options.name,
    typeUrl: options.typeUrl,
    config: options.config,
    routeConfig: undefined,
    create: (config, context) => options.create(config as SchemaOutput<Config>, context),
  } satisfies LoadBalancerDefinition) as unknown as LoadBalancerFactory<SchemaInput<Config>>;
}

/** What {@link defineClusterMonitor} takes. */
export interface ClusterMonitorOptions<Config> {
  readonly name: string;
  /** Called once per cluster; `undefined` when its config asks for nothing of this kind. */
  create(context: ClusterMonitorContext<Config>): ClusterMonitor | undefined;
}

/** Defines something that watches the hosts of clusters and judges them: active health checks, outlier detection. */
export function defineClusterMonitor<Config>(options: ClusterMonitorOptions<Config>): ClusterMonitorDefinition {
  return {
    kind: 'cluster-monitor',
    name: options.name,
    typeUrl: undefined,
    config: anything,
    routeConfig: undefined,
    create: (context) => options.create(context),
  };
}
