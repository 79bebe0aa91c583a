import { expect, it } from 'vitest';
import { shownCommandLine } from './command-line-options.ts';

const print = (...argv: string[]) => shownCommandLine(['-c', 'a.yaml', ...argv])!;

it('shownCommandLine speaks as /server_info does', () => {
  const given =
    '--drain-time-s 5 --component-log-level http:trace,main:off --base-id 3 --socket-mode 600 --cpuset-threads';
  expect(print(...given.split(' '))).toMatchObject({
    base_id: '3',
    config_path: 'a.yaml',
    drain_time: '5s',
    file_flush_interval: '10s',
    component_log_level: 'http:trace,main:off',
    mode: 'Serve',
    service_node: '',
    socket_mode: 0o600,
    cpuset_threads: true,
  });
});

it('shownCommandLine has every option that Envoy 1.40 prints', () => {
  const names =
    'base_id concurrency config_path config_yaml allow_unknown_static_fields admin_address_path local_address_ip_version log_level component_log_level log_format log_path service_cluster service_node service_zone file_flush_interval drain_time parent_shutdown_time mode disable_hot_restart enable_mutex_tracing restart_epoch cpuset_threads reject_unknown_dynamic_fields log_format_escaped disabled_extensions ignore_unknown_dynamic_fields use_dynamic_base_id base_id_path drain_strategy enable_fine_grain_logging socket_path socket_mode enable_core_dump stats_tag skip_hot_restart_on_no_parent skip_hot_restart_parent_stats skip_deprecated_logs file_flush_min_size log_stacktrace_single_entry';
  expect(Object.keys(print())).toEqual(names.split(' '));
});

it('shownCommandLine is undefined for a wrong command line', () => {
  expect(shownCommandLine(['--mode', 'fast'])).toBeUndefined();
});
