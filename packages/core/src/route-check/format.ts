/** A report for people. */
import type { CheckedField, RouteCheckReport, TestResult, UntestedRoute } from './report.ts';

/** What to print. */
export interface RouteCheckFormat {
  /** Every test with every expectation. */
  readonly details?: boolean;
  /** Nothing of tests that pass. */
  readonly onlyShowFailures?: boolean;
  /** Which routes no test touches. */
  readonly coverage?: boolean;
  /** As `coverage`, counting every field that could be compared. */
  readonly allFields?: boolean;
}

/** The text that `mesh route-check` prints, ended by a line feed. */
export function formatRouteCheck(report: RouteCheckReport, format: RouteCheckFormat = {}): string {
  const { tests } = report;
  const failed = tests.filter(({ ok }) => !ok).length;
  const lines = tests.flatMap((test) => testLines(test, format));
  const summary = `${tests.length - failed} of ${tests.length} tests pass`;
  const covered = format.coverage || format.allFields ? coverageLines(report, format) : [];
  return `${[...lines, summary, ...covered].join('\n')}\n`;
}

function testLines(test: TestResult, { details = false, onlyShowFailures = false }: RouteCheckFormat): string[] {
  if (test.ok) {
    if (!details || onlyShowFailures) return [];
    return [`pass  ${test.name} (${test.route})`, ...test.fields.map(fieldLine)];
  }
  const shown = details ? test.fields : test.fields.filter(({ ok }) => !ok);
  return [`FAIL  ${test.name} (${test.route})`, ...shown.map(fieldLine)];
}

function fieldLine({ field, expected, actual, ok }: CheckedField): string {
  return `  ${ok ? '    ' : '  ! '}${field}: ${ok ? expected : `expected ${expected}, got ${actual}`}`;
}

function coverageLines({ coverage }: RouteCheckReport, { allFields }: RouteCheckFormat): string[] {
  const { routes, touched, untested, percent, percentOfFields } = coverage;
  const value = allFields ? percentOfFields : percent;
  return [
    `Current route coverage: ${value}% (${touched} of ${routes} routes are touched)`,
    ...untested.map((route) => `  not tested: ${untestedText(route)}`),
  ];
}

function untestedText({ virtualHost, index, name, match, cluster, at }: UntestedRoute): string {
  const place = at === undefined ? '' : `  (${at.file}:${at.line}:${at.col})`;
  const title = name === '' ? '' : ` ${JSON.stringify(name)}`;
  const share = cluster === undefined ? '' : `, cluster ${cluster}`;
  return `virtual host ${virtualHost}, route ${index + 1}${title}: ${match}${share}${place}`;
}
