/** The whole configuration of a proxy. */
import type { z } from 'zod';
import { clusterSchema } from './cluster.ts';
import { clusterManagerSchema } from './cluster-manager.ts';
import { address, node, notAnIp } from './common.ts';
import { dnsResolutionConfig, typedDnsResolverConfig } from './dns-resolver.ts';
import { listenerSchema } from './listener.ts';
import { fields, message, nested, withDefault } from './message.ts';
import { bool, duration, list, onlyEmpty, string } from './proto-json.ts';
import { layeredRuntime, runtime } from './runtime.ts';

const xds = 'xDS is not built yet';
const logs = 'access logs are not built yet; "/dev/null" is accepted';
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

/** Envoy `Admin`. Without an address there is no admin server. */
export const adminSchema = message(
  {
    address,
    access_log: onlyEmpty('list', logs),
    access_log_path: string({ pattern: /^(\/dev\/null)?$/, expected: `"/dev/null" (${logs})` }),
  },
  {
    name: 'envoy.config.bootstrap.v3.Admin',
    known: {
      profile_path: 'profiles are not built yet',
      socket_options: 'this socket option is not available in Node.js',
      ignore_global_conn_limit: 'not built yet',
      allow_paths: 'not built yet',
    },
    check(admin, report) {
      const message = notAnIp(admin.address?.socketAddress?.address);
      if (message !== undefined) report({ path: ['address', 'socket_address', 'address'], message });
    },
  },
);

/** Envoy `Bootstrap`. */
export const bootstrapSchema = message(
  {
    node: nested(node),
    static_resources: nested(staticResourcesSchema),
    admin: adminSchema,
    cluster_manager: nested(clusterManagerSchema),
    stats_flush_interval: withDefault(duration({ minMs: 1, belowMs: 300_000 }), 5000),
    layered_runtime: layeredRuntime,
    runtime,
    use_tcp_for_dns_lookups: withDefault(bool(), false),
    dns_resolution_config: dnsResolutionConfig,
    typed_dns_resolver_config: typedDnsResolverConfig,
  },
  {
    name: 'envoy.config.bootstrap.v3.Bootstrap',
    oneofs: [{ fields: ['layered_runtime', 'runtime'] }],
    known: {
      ...fields('dynamic_resources hds_config config_sources default_config_source node_context_params', xds),
      ...fields('xds_delegate_extension xds_config_tracker_extension grpc_async_client_manager_config', xds),
      ...fields('stats_sinks stats_config deferred_stat_options', 'not built yet'),
      ...fields('stats_flush_on_admin stats_eviction_interval', 'not built yet'),
      ...fields('watchdog watchdogs fatal_actions', watchdogs),
      tracing: 'tracing is not built yet',
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
/** The admin server. */
export type AdminConfig = z.output<typeof adminSchema>;
