import { describe, expect, it } from 'vitest';
import { readOptions } from './options.ts';
import { parseFlags } from './parse-flags.ts';

const read = (...argv: string[]) => readOptions(parseFlags(argv));

describe('readOptions', () => {
  it("has Envoy's defaults", () => {
    expect(read('-c', 'a.yaml').options).toMatchObject({
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
    expect(options).toMatchObject({
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

  it("--stats-tag may be given several times; what is wrong with it is told in Envoy's words", () => {
    const tags = read('-c', 'a', '--stats-tag', 'a:b', '--stats-tag', 'c:d:e').options?.statsTags;
    expect(tags).toEqual([
      { name: 'a', value: 'b' },
      { name: 'c', value: 'd:e' },
    ]);
    expect(read('-c', 'a', '--stats-tag', 'x', '--stats-tag', 'a.b:c', '--stats-tag', 'a:').problems).toEqual([
      "misformatted stats-tag 'x'",
      "misformatted stats-tag 'a.b:c' contains invalid char in 'a.b'",
      "misformatted stats-tag 'a:' contains invalid char in ''",
    ]);
  });
});
