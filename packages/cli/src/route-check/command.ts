/** `mesh route-check`: tests a route table in the format of Envoy's router_check_tool. */
import { checkRoutes, formatRouteCheck, RouteCheckError, type RouteCheckReport } from '@mesh/core';
import { standard } from '@mesh/standard';
import { line } from '../help.ts';
import type { Io } from '../io.ts';
import type { ParsedFlags } from '../parse-flags.ts';
import { runSubcommand, type Subcommand } from '../subcommand.ts';
import { ROUTE_CHECK_FLAGS } from './flags.ts';

const HELP = `mesh route-check -c ROUTES -t TESTS

Tests a route table: each test names a request and what must come of it, in the format of Envoy's router_check_tool.

  mesh route-check -c routes.yaml -t tests.json --coverage

${ROUTE_CHECK_FLAGS.filter(({ use }) => use !== 'refused')
  .map(line)
  .join('\n')}

Ends with 0 when every test passes and the coverage suffices, else with 1.
`;

/** Runs the command; resolves with the exit code. */
export function routeCheckCommand(argv: readonly string[], io: Io): Promise<number> {
  return runSubcommand(COMMAND, argv, io);
}

const COMMAND: Subcommand = {
  name: 'route-check',
  flags: ROUTE_CHECK_FLAGS,
  help: HELP,
  isProblem: (error) => error instanceof RouteCheckError,
  run,
};

async function run(flags: ParsedFlags, io: Io): Promise<number> {
  const { values } = flags;
  const { config, tests, failUnder } = checkedFlags(flags);
  const listener = values.get('listener');
  const statPrefix = values.get('stat-prefix');
  const report = checkRoutes({
    config,
    tests,
    extensions: standard,
    ...(listener !== undefined && { listener }),
    ...(statPrefix !== undefined && { statPrefix }),
  });
  const allFields = values.has('covall');
  await io.out(values.has('json') ? `${JSON.stringify(report, null, 2)}\n` : formatRouteCheck(report, formatOf(flags)));
  const shortfall = coverageProblem(report, allFields, failUnder);
  if (shortfall !== undefined) await io.err(`${shortfall}\n`);
  return report.ok && shortfall === undefined ? 0 : 1;
}

/** @throws RouteCheckError with every problem of the command line. */
function checkedFlags({ values, words, problems }: ParsedFlags) {
  const all = [...problems];
  const config = values.get('config-path') ?? '';
  const tests = values.get('test-path') ?? '';
  if (problems.length === 0 && config === '') all.push('-c ROUTES is missing');
  if (problems.length === 0 && tests === '') all.push('-t TESTS is missing');
  if (words[0] !== undefined) all.push(`unexpected argument ${JSON.stringify(words[0])}`);
  const written = values.get('fail-under');
  const failUnder = written === undefined ? undefined : Number(written);
  const isPercent = failUnder === undefined || (failUnder >= 0 && failUnder <= 100 && written?.trim() !== '');
  if (!isPercent) all.push(`--fail-under needs a percentage, not ${JSON.stringify(written)}`);
  if (all.length > 0) throw new RouteCheckError(all.join('; '));
  return { config, tests, failUnder };
}

function formatOf({ values }: ParsedFlags) {
  return {
    details: values.has('details'),
    onlyShowFailures: values.has('only-show-failures'),
    coverage: values.has('coverage') || values.has('fail-under') || values.has('detailed-coverage'),
    allFields: values.has('covall'),
  };
}

/** Envoy's words. */
function coverageProblem({ coverage }: RouteCheckReport, allFields: boolean, failUnder = 0): string | undefined {
  const reached = allFields ? coverage.percentOfFields : coverage.percent;
  return reached < failUnder ? `Failed to meet coverage requirement: ${failUnder}%` : undefined;
}
