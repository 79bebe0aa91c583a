import { describe, expect, it } from 'vitest';
import { FLAGS } from './flags.ts';
import { nearest } from './nearest.ts';
import { parseFlags } from './parse-flags.ts';

const ENVOY_FLAGS =
  'stats-tag enable-core-dump socket-mode socket-path disable-extensions cpuset-threads enable-mutex-tracing disable-hot-restart mode parent-shutdown-time-s drain-strategy drain-time-s file-flush-min-size-kb file-flush-interval-msec service-zone service-node service-cluster hot-restart-version restart-epoch log-path enable-fine-grain-logging log-format-escaped log-format component-log-level log-level local-address-ip-version admin-address-path log-stacktrace-single-entry skip-deprecated-logs ignore-unknown-dynamic-fields reject-unknown-dynamic-fields allow-unknown-static-fields allow-unknown-fields config-yaml config-path concurrency base-id-path skip-hot-restart-parent-stats skip-hot-restart-on-no-parent use-dynamic-base-id base-id version help'.split(
    ' ',
  );

describe('parseFlags', () => {
  it('knows every flag of Envoy 1.40, once', () => {
    expect(FLAGS.map(({ name }) => name).sort()).toEqual([...ENVOY_FLAGS].sort());
  });

  it.each([
    [['--config-path', 'a.yaml', '-l', 'debug']],
    [['--config-path=a.yaml', '--log-level=debug']],
    [['-c', 'a.yaml', '-l=debug']],
  ])('reads %j', (argv) => {
    const { values, problems } = parseFlags(argv);
    expect(problems).toEqual([]);
    expect([...values]).toEqual([
      ['config-path', 'a.yaml'],
      ['log-level', 'debug'],
    ]);
  });

  it('takes the next argument as a value whatever it looks like', () => {
    const { values, problems } = parseFlags(['--config-yaml', '-a: b=c', '--log-path=x=y']);
    expect(problems).toEqual([]);
    expect(values.get('config-yaml')).toBe('-a: b=c');
    expect(values.get('log-path')).toBe('x=y');
  });

  it('keeps flags without effect apart', () => {
    const { ignored, problems } = parseFlags(['--base-id', '3', '--restart-epoch', '0', '--disable-hot-restart']);
    expect(problems).toEqual([]);
    expect(ignored.map(({ name }) => name)).toEqual(['base-id', 'restart-epoch', 'disable-hot-restart']);
  });

  it.each([
    [['--confg-path', 'x'], 'unknown flag --confg-path; did you mean --config-path?'],
    [['--zzzzzzzzzzzzzzzzzzzzzzzzzzzz'], 'unknown flag --zzzzzzzzzzzzzzzzzzzzzzzzzzzz'],
    [['-c'], '-c needs a value'],
    [['--version=1'], '--version takes no value'],
    [['-c', 'a', '--config-path', 'b'], '--config-path is given twice'],
    [['--concurrency', 'two'], '--concurrency needs a whole number, not "two"'],
    [['--drain-time-s', '-1'], '--drain-time-s needs a whole number, not "-1"'],
    [['--drain-time-s', '4294967296'], '--drain-time-s needs a whole number, not "4294967296"'],
    [['--restart-epoch', '1'], '--restart-epoch can only be 0: there is no hot restart'],
    [['--disable-extensions', 'a'], '--disable-extensions cannot be used: not built yet'],
    [
      ['--allow-unknown-static-fields'],
      '--allow-unknown-static-fields cannot be used: an unknown field is always an error, as it would not do what it says',
    ],
  ])('refuses %j', (argv, problem) => {
    expect(parseFlags(argv).problems[0]).toBe(problem);
  });

  it('reports every problem', () => {
    expect(parseFlags(['--nope', '--concurrency', 'x', '--disable-extensions', 'a']).problems).toHaveLength(3);
  });
});

it('nearest prefers the least distance and gives up when all are far', () => {
  expect(nearest('modes', ['models', 'modest', 'mode'])).toBe('models');
  expect(nearest('mod', ['model', 'mode'])).toBe('mode');
  expect(nearest('nope', ['mode', 'version'])).toBeUndefined();
});
