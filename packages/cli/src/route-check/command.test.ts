import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestIo } from '../fixture.ts';
import { main } from '../main.ts';

const ROUTES = `virtual_hosts:
- name: web
  domains: ["*"]
  routes:
  - match: { path: /ping }
    direct_response: { status: 200 }
  - match: { prefix: / }
    route: { cluster: all }
`;
const TESTS = `tests:
- test_name: all goes to all
  input: { authority: a, path: /x }
  validate: { cluster_name: all }
`;

let dir: string;
beforeAll(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-route-check-'));
});
afterAll(() => fs.rmSync(dir, { recursive: true }));

const file = (name: string, text: string): string => {
  const full = path.join(dir, name);
  fs.writeFileSync(full, text);
  return full;
};

async function check(...argv: string[]) {
  const io = new TestIo();
  const code = await main(['route-check', ...argv], io);
  return { code, stdout: io.stdout, stderr: io.stderr };
}

const files = (tests = TESTS) => ['-c', file('routes.yaml', ROUTES), '-t', file('tests.yaml', tests)];

describe('mesh route-check', () => {
  it('ends with 0 when all tests pass', async () => {
    expect(await check(...files())).toEqual({ code: 0, stdout: '1 of 1 tests pass\n', stderr: '' });
  });

  it('ends with 1 and prints each failed expectation beside what was seen', async () => {
    expect(await check(...files(TESTS.replace('cluster_name: all', 'cluster_name: none')))).toEqual({
      code: 1,
      stdout:
        'FAIL  all goes to all (virtual host web, route 2)\n    ! cluster_name: expected "none", got "all"\n0 of 1 tests pass\n',
      stderr: '',
    });
  });

  it.each([
    [['--details'], 'pass  all goes to all (virtual host web, route 2)\n      cluster_name: "all"\n'],
    [['-d', '--only-show-failures'], '1 of 1 tests pass\n'],
    [
      ['--coverage'],
      `Current route coverage: 50% (1 of 2 routes are touched)\n  not tested: virtual host web, route 1: path "/ping"  (`,
    ],
    [['--covall'], 'Current route coverage: 10% (1 of 2 routes are touched)\n'],
    [['--disable-deprecation-check', '--detailed-coverage'], 'Current route coverage: 50%'],
  ])('%j prints %j', async (flags, text) => {
    const { code, stdout } = await check(...files(), ...flags);
    expect(code).toBe(0);
    expect(stdout).toContain(text);
  });

  it.each([
    [['--fail-under', '50'], 0, ''],
    [['-f', '50.1'], 1, 'Failed to meet coverage requirement: 50.1%\n'],
    [['-f', '50', '--covall'], 1, 'Failed to meet coverage requirement: 50%\n'],
  ])('%j ends with %i', async (flags, code, stderr) => {
    expect(await check(...files(), ...flags)).toMatchObject({ code, stderr });
  });

  it('--json prints the report as data', async () => {
    const { stdout } = await check(...files(), '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      tests: [{ name: 'all goes to all', ok: true, fields: [{ field: 'cluster_name', actual: '"all"' }] }],
      coverage: { routes: 2, touched: 1, percent: 50, untested: [{ match: 'path "/ping"', at: { line: 5, col: 5 } }] },
    });
  });

  it('refuses a test file with an unknown key, with its place and the nearest name', async () => {
    const { code, stderr } = await check(...files(TESTS.replace('cluster_name', 'cluster_nam')));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /tests.yaml:4:15 tests\[0\].validate.cluster_nam: unknown field .* \(did you mean "cluster_name"\?\)\n$/,
    );
  });

  it.each([
    [[], 'mesh route-check: -c ROUTES is missing; -t TESTS is missing\n'],
    [['-c', 'a', '-t', 'b', '-f', 'x'], 'mesh route-check: --fail-under needs a percentage, not "x"\n'],
    [['-c', 'a', '-t', 'b', '-f', '101'], 'mesh route-check: --fail-under needs a percentage, not "101"\n'],
    [['-c', 'a', '-t', 'b', 'c'], 'mesh route-check: unexpected argument "c"\n'],
    [['-c', 'a', '-t', 'b', '-o', 'c'], 'mesh route-check: -o cannot be used: use --json\n'],
    [['-c', 'a', '-t', 'b', '--coverag'], 'mesh route-check: unknown flag --coverag; did you mean --coverage?\n'],
    [['--config-yaml', 'a'], 'unknown flag --config-yaml'],
  ])('%j ends with 1 and a sentence', async (argv, message) => {
    const { code, stderr } = await check(...argv);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });

  it('--help tells the flags', async () => {
    const { code, stdout } = await check('--help');
    expect(code).toBe(0);
    expect(stdout).toContain('-f, --fail-under PERCENT');
  });

  it('examples/yaml/route-tests.yaml passes and touches every route of the front proxy', async () => {
    const example = (name: string) => fileURLToPath(new URL(`../../../../examples/yaml/${name}`, import.meta.url));
    const { code, stdout } = await check(
      '-c',
      example('front-proxy.yaml'),
      '-t',
      example('route-tests.yaml'),
      '-f',
      '100',
    );
    expect(stdout).toContain('Current route coverage: 100% (2 of 2 routes are touched)');
    expect(code).toBe(0);
  });
});
