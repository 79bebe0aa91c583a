/** The whole configuration of a proxy. */
import type { z } from 'zod';
import { adminSchema } from './admin.ts';
import { clusterSchema } from './cluster.ts';
import { clusterManagerSchema } from './cluster-manager.ts';
import { node } from './common.ts';
import { dnsResolutionConfig, typedDnsResolverConfig } from './dns-resolver.ts';
import { listenerSchema } from './listener.ts';
import { fields, message, nested, withDefault } from './message.ts';
import { bool, duration, list, only } from './proto-json.ts';
import { layeredRuntime, runtime } from './runtime.ts';
import { statsConfig, statsSink } from './stats-config.ts';
import { bootstrapTracing } from './tracing.ts';

const xds = 'xDS is not built yet';
const watchdogs = 'the watchdog is not built yet';
const extensions = 'this extension point is not built yet';

/** Envoy `Bootstrap.StaticResources`. */
const staticResourcesSchema = message(
  { listeners: list(listenerSchema), clusters: list(clusterSchema) },
  {
    name: 'envoy.config.bootstrap.v3.Bootstrap.StaticResources',
    known: { secrets: 'secrets by xDS (SDS) are not built yet; TLS contexts hold certificates inline or by file' },
  },
);

/** Envoy `Bootstrap`. */
export const bootstrapSchema = message(
  {
    node: nested(node),
    static_resources: nested(staticResourcesSchema),
    admin: adminSchema,
    cluster_manager: nested(clusterManagerSchema),
    tracing: bootstrapTracing,
    stats_sinks: list(statsSink),
    stats_config: statsConfig,
    stats_flush_interval: withDefault(duration({ minMs: 1, belowMs: 300_000 }), 5000),
    stats_flush_on_admin: only(bool(), true, 'Envoy takes true only'),
    layered_runtime: layeredRuntime,
    runtime,
    use_tcp_for_dns_lookups: withDefault(bool(), false),
    dns_resolution_config: dnsResolutionConfig,
    typed_dns_resolver_config: typedDnsResolverConfig,
  },
  {
    name: 'envoy.config.bootstrap.v3.Bootstrap',
    oneofs: [{ fields: ['layered_runtime', 'runtime'] }, { fields: ['stats_flush_interval', 'stats_flush_on_admin'] }],
    known: {
      ...fields('dynamic_resources hds_config config_sources default_config_source node_context_params', xds),
      ...fields('xds_delegate_extension xds_config_tracker_extension grpc_async_client_manager_config', xds),
      deferred_stat_options: 'stats are made when their cluster is, which costs a few microseconds',
      stats_eviction_interval: 'stats live as long as what they count; names made by traffic are capped instead',
      ...fields('watchdog watchdogs fatal_actions', watchdogs),
      flags_path: 'startup flags are not built yet',
      overload_manager: 'the overload manager is not built yet',
      ...fields('bootstrap_extensions default_socket_interface listener_manager default_regex_engine', extensions),
      certificate_provider_instances: 'certificate providers are part of xDS, which is not built yet',
      ...fields('memory_allocator_manager enable_worker_cpu_affinity', 'managed by Node.js'),
      ...fields(
        'enable_dispatcher_stats header_prefix stats_server_version_override inline_headers perf_tracing_file_path application_log_config rate_limit_service',
        'not built yet',
      ),
    },
  },
);

/** A whole configuration with all defaults filled in. */
export type BootstrapConfig = z.output<typeof bootstrapSchema>;
