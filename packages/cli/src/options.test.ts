import { describe, expect, it } from 'vitest';
import { commandLineOptions, readOptions } from './options.ts';
import { parseFlags } from './parse-flags.ts';

const read = (...argv: string[]) => readOptions(parseFlags(argv));

describe('readOptions', () => {
  it("has Envoy's defaults", () => {
    expect(read('-c', 'a.yaml').options).toEqual({
      mode: 'serve',
      configPath: 'a.yaml',
      configYaml: undefined,
      logLevel: 'info',
      componentLogLevels: {},
      logFormat: undefined,
      logPath: undefined,
      fileFlushIntervalMs: 10_000,
      node: {},
      adminAddressPath: undefined,
      concurrency: 1,
      drainTimeMs: 600_000,
    });
  });

  it('reads everything else', () => {
    const { options } = read(
      ...'--config-yaml {} --mode validate -l warn --component-log-level http:trace,main:warn --log-format %v'.split(
        ' ',
      ),
      ...'--log-path x.log --file-flush-interval-msec 5 --service-node n --service-cluster c --service-zone z'.split(
        ' ',
      ),
      ...'--admin-address-path adm --concurrency 4 --drain-time-s 3'.split(' '),
    );
    expect(options).toEqual({
      mode: 'validate',
      configPath: undefined,
      configYaml: '{}',
      logLevel: 'warning',
      componentLogLevels: { http: 'trace', main: 'warning' },
      logFormat: '%v',
      logPath: 'x.log',
      fileFlushIntervalMs: 5,
      node: { id: 'n', cluster: 'c', zone: 'z' },
      adminAddressPath: 'adm',
      concurrency: 4,
      drainTimeMs: 3000,
    });
  });

  it('reports every bad value', () => {
    const argv = ['--mode', 'fast', '-l', 'loud', '--component-log-level', 'http', '--log-format', '%Q'];
    expect(read(...argv).problems).toEqual([
      "unknown mode 'fast'; it can be serve or validate",
      "invalid log level 'loud'; levels are trace, debug, info, warning, error, critical, off",
      "component log level not correctly specified 'http'",
      'invalid log format: %Q: there is no such flag',
      'no configuration is given: use -c FILE or --config-yaml YAML (mesh --help tells more)',
    ]);
  });
});

it('commandLineOptions speaks as /server_info does', () => {
  const { options } = read('-c', 'a.yaml', '--drain-time-s', '5', '--component-log-level', 'http:trace,main:off');
  expect(commandLineOptions(options!)).toMatchObject({
    config_path: 'a.yaml',
    drain_time: '5s',
    file_flush_interval: '10s',
    component_log_level: 'http:trace,main:off',
    mode: 'Serve',
    service_node: '',
  });
});
