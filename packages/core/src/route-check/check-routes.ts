/** Tests of a route table in the format of Envoy's router_check_tool, without a proxy. */
import { dataSourceText } from '../config/build.ts';
import { didYouMean } from '../config/issues.ts';
import type { Extension } from '../define/index.ts';
import { httpConnectionManager } from '../http-connection-manager.ts';
import { Registry } from '../registry.ts';
import { compileRoutes } from '../routing/route-table.ts';
import { StatsStore } from '../stats/index.ts';
import { CheckRuntime } from './check-runtime.ts';
import { CheckStreams } from './check-stream.ts';
import { CoverageCount } from './coverage.ts';
import { type FoundTable, loadTables, loadTests, type RouteCheckInput } from './load.ts';
import type { RouteCheckReport } from './report.ts';
import { runTest } from './run-test.ts';

/** What is checked against what. */
export interface RouteCheckOptions {
  /** A `RouteConfiguration` or a whole bootstrap: the path of a YAML or JSON file, or the same as an object. */
  readonly config: RouteCheckInput;
  /** The tests, likewise. */
  readonly tests: RouteCheckInput;
  /** What a bootstrap may name. */
  readonly extensions?: readonly Extension[];
  /** Of a bootstrap: the table of the connection manager in this listener. */
  readonly listener?: string;
  /** Of a bootstrap: the table of the connection manager with this `stat_prefix`. */
  readonly statPrefix?: string;
}

/** There is no route table to check, or it is not clear which. */
export class RouteCheckError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RouteCheckError';
  }
}

/**
 * Runs the tests. Nothing is started or connected to.
 *
 * @throws ConfigError with every problem of the two files, each with file, line and column.
 * @throws RouteCheckError when a bootstrap has no route table, or several of which none is chosen.
 *
 * @example
 * const { ok, tests, coverage } = checkRoutes({ config: 'routes.yaml', tests: 'tests.json' });
 */
export function checkRoutes(options: RouteCheckOptions): RouteCheckReport {
  const registry = new Registry([httpConnectionManager, ...(options.extensions ?? [])]);
  const found = chosen(loadTables(options.config, registry), options);
  const { tests, runtime: values = {} } = loadTests(options.tests);
  const parts = { filterSlots: new Map(), directBody: dataSourceText, stats: new StatsStore().scope('') };
  const table = compileRoutes(found.table as never, parts);
  const runtime = new CheckRuntime(values);
  const streams = new CheckStreams(runtime);
  const coverage = new CoverageCount(table, found);
  const results = tests.map((test) => {
    runtime.active = test.input.runtime;
    return runTest(test, table, streams.stream(test.input), (...held) => coverage.held(...held));
  });
  return { ok: results.every(({ ok }) => ok), tests: results, coverage: coverage.report() };
}

function chosen(tables: readonly FoundTable[], { listener, statPrefix }: RouteCheckOptions): FoundTable {
  const fitting = tables.filter((one) => {
    if (listener !== undefined && one.listener !== listener) return false;
    return statPrefix === undefined || one.statPrefix === statPrefix;
  });
  const [only, second] = fitting;
  if (only !== undefined && second === undefined) return only;
  if (tables.length === 0) throw new RouteCheckError('the configuration has no route table');
  const list = tables.map((one) => `listener ${one.listener} with stat_prefix ${one.statPrefix}`).join('; ');
  if (only !== undefined) throw new RouteCheckError(`choose one of several route tables: ${list}`);
  const hint = nameHint(tables, listener, statPrefix);
  throw new RouteCheckError(`no such route table${hint === undefined ? '' : ` (${hint})`}; there are: ${list}`);
}

function nameHint(tables: readonly FoundTable[], listener = '', statPrefix = ''): string | undefined {
  const names = tables.map((one) => one.listener);
  return names.includes(listener) || listener === ''
    ? didYouMean(
        statPrefix,
        tables.map((one) => one.statPrefix),
      )
    : didYouMean(listener, names);
}
