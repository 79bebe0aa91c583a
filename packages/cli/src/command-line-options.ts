/** The command line in Envoy's words, for `/server_info`. */
import { type RunOptions, readOptions } from './options.ts';
import { parseFlags } from './parse-flags.ts';

const LOG_FORMAT = '[%Y-%m-%d %T.%e][%t][%l][%n] %v';

/** Every option that Envoy 1.40 prints: what was given, also of flags that have no effect here, or what holds anyway. */
export function commandLineOptions(options: RunOptions) {
  const { node } = options;
  const { values, lists } = options.given;
  const has = (flag: string): boolean => values.has(flag);
  return {
    base_id: values.get('base-id') ?? '0',
    concurrency: 1,
    config_path: options.configPath ?? '',
    config_yaml: options.configYaml ?? '',
    allow_unknown_static_fields: false,
    admin_address_path: options.adminAddressPath ?? '',
    local_address_ip_version: 'v4',
    log_level: options.logLevel,
    component_log_level: Object.entries(options.componentLogLevels)
      .map(([name, level]) => `${name}:${level}`)
      .join(','),
    log_format: options.logFormat ?? LOG_FORMAT,
    log_path: options.logPath ?? '',
    service_cluster: node.cluster ?? '',
    service_node: node.id ?? '',
    service_zone: node.zone ?? '',
    file_flush_interval: `${options.fileFlushIntervalMs / 1000}s`,
    drain_time: `${options.drainTimeMs / 1000}s`,
    parent_shutdown_time: `${values.get('parent-shutdown-time-s') ?? 900}s`,
    mode: options.mode === 'serve' ? 'Serve' : 'Validate',
    disable_hot_restart: true,
    enable_mutex_tracing: has('enable-mutex-tracing'),
    restart_epoch: 0,
    cpuset_threads: has('cpuset-threads'),
    reject_unknown_dynamic_fields: false,
    log_format_escaped: has('log-format-escaped'),
    disabled_extensions: [] as string[],
    ignore_unknown_dynamic_fields: false,
    use_dynamic_base_id: has('use-dynamic-base-id'),
    base_id_path: values.get('base-id-path') ?? '',
    drain_strategy: 'Immediate',
    enable_fine_grain_logging: false,
    socket_path: values.get('socket-path') ?? '@envoy_domain_socket',
    socket_mode: Number.parseInt(values.get('socket-mode') ?? '0', 8) || 0,
    enable_core_dump: has('enable-core-dump'),
    stats_tag: [...(lists.get('stats-tag') ?? [])],
    skip_hot_restart_on_no_parent: has('skip-hot-restart-on-no-parent'),
    skip_hot_restart_parent_stats: has('skip-hot-restart-parent-stats'),
    skip_deprecated_logs: has('skip-deprecated-logs'),
    file_flush_min_size: 0,
    log_stacktrace_single_entry: has('log-stacktrace-single-entry'),
  };
}

/** What `/server_info` of `mesh` with these arguments shows; undefined when they are wrong. */
export function shownCommandLine(argv: readonly string[]): ReturnType<typeof commandLineOptions> | undefined {
  const { options } = readOptions(parseFlags(argv));
  return options === undefined ? undefined : commandLineOptions(options);
}
