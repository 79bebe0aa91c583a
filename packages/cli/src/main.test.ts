import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestIo } from './fixture.ts';
import { main } from './main.ts';
import { version } from './version.ts';

let dir: string;
beforeAll(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-cli-'));
});
afterAll(() => fs.rmSync(dir, { recursive: true }));

const file = (name: string, text: string): string => {
  const full = path.join(dir, name);
  fs.writeFileSync(full, text);
  return full;
};

async function run(...argv: string[]) {
  const io = new TestIo();
  const code = await main(argv, io);
  return { code, stdout: io.stdout, stderr: io.stderr };
}

const good = `
static_resources:
  listeners:
  - name: web
    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          route_config:
            virtual_hosts:
            - { name: all, domains: ["*"], routes: [{ match: { prefix: / }, direct_response: { status: 200 } }] }
          http_filters:
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
`;

describe('main', () => {
  it.each([['--version'], ['version']])('%s prints the version', async (argument) => {
    expect(await run(argument)).toEqual({
      code: 0,
      stdout: `mesh  version: mesh/${version}/Clean/RELEASE/OpenSSL/node-24.22.1\n`,
      stderr: '',
    });
  });

  it('--hot-restart-version prints disabled', async () => {
    expect(await run('--hot-restart-version')).toEqual({ code: 0, stdout: 'disabled\n', stderr: '' });
  });

  it.each([['--help'], ['-h'], ['help']])('%s names every flag that can be given', async (argument) => {
    const { code, stdout } = await run(argument);
    expect(code).toBe(0);
    expect(stdout).toContain('-c, --config-path FILE');
    expect(stdout).toContain('--drain-strategy');
    expect(stdout).not.toContain('--disable-extensions');
  });

  it.each([
    [['--nope'], 'mesh: unknown flag --nope\n'],
    [['serv'], 'mesh: unknown command "serv"; there are explain, route-check, schema and version\n'],
    [['schema', 'x'], 'mesh: unexpected argument "x"\n'],
    [[], 'mesh: no configuration is given: use -c FILE or --config-yaml YAML (mesh --help tells more)\n'],
  ])('%j ends with 1 and a sentence', async (argv, stderr) => {
    expect(await run(...argv)).toEqual({ code: 1, stdout: '', stderr });
  });

  it('schema prints a JSON Schema of the configuration', async () => {
    const { code, stdout } = await run('schema');
    expect(code).toBe(0);
    const schema = JSON.parse(stdout);
    expect(schema.$schema).toContain('json-schema.org');
    expect(Object.keys(schema.properties)).toContain('static_resources');
  });
});

describe('main --mode validate', () => {
  it('says OK for a good file', async () => {
    const config = file('good.yaml', good);
    expect(await run('-c', config, '--mode', 'validate')).toEqual({
      code: 0,
      stdout: `configuration '${config}' OK\n`,
      stderr: '',
    });
  });

  it('says OK for text alone', async () => {
    expect(await run('--config-yaml', good, '--mode=validate')).toMatchObject({
      code: 0,
      stdout: "configuration '' OK\n",
    });
  });

  it('prints every problem with its place', async () => {
    const config = file('bad.yaml', `${good}  clusters:\n  - nam: a\n  - { name: b, lb_policy: ROUND_ROBBIN }\n`);
    const { code, stdout, stderr } = await run('-c', config, '--mode', 'validate');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const lines = stderr.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThanOrEqual(2);
    for (const line of lines) expect(line).toMatch(new RegExp(`^${config}:\\d+:\\d+ static_resources\\.clusters\\[`));
    expect(stderr).toContain('"nam"');
    expect(stderr).toContain('ROUND_ROBBIN');
  });

  it('lays --config-yaml over the file', async () => {
    const config = file('base.yaml', good);
    const { code, stderr } = await run('-c', config, '--config-yaml', 'admin: { adress: {} }', '--mode', 'validate');
    expect(code).toBe(1);
    expect(stderr).toContain('--config-yaml:1:');
  });

  it('tells of a file that is not there', async () => {
    const { code, stderr } = await run('-c', path.join(dir, 'none.yaml'), '--mode', 'validate');
    expect(code).toBe(1);
    expect(stderr).toContain('none.yaml cannot be read: ENOENT');
  });

  it('tells of a name that cannot be looked up', async () => {
    const cluster = `{ name: c, type: STRICT_DNS, load_assignment: { cluster_name: c, endpoints: [{ lb_endpoints: [{ endpoint:
      { address: { socket_address: { address: "a b", port_value: 1 } } } }] }] } }`;
    const { code, stderr } = await run(
      '--config-yaml',
      `static_resources: { clusters: [${cluster}] }`,
      '--mode',
      'validate',
    );
    expect(code).toBe(1);
    expect(stderr).toContain('cluster c: "a b" cannot be looked up');
  });
});

describe('main --mode serve', () => {
  it('starts nothing with a bad configuration', async () => {
    const address = path.join(dir, 'never-written');
    const bad = good.replace('stat_prefix', 'stat_prefx');
    const { code, stderr } = await run('--config-yaml', bad, '--admin-address-path', address, '-l', 'off');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^--config-yaml:\d+:\d+ .*stat_prefx/m);
    expect(fs.existsSync(address)).toBe(false);
  });

  it('ends with 1 when the log file cannot be opened', async () => {
    const { code, stderr } = await run('--config-yaml', good, '--log-path', path.join(dir, 'no', 'such.log'));
    expect(code).toBe(1);
    expect(stderr).toContain('cannot open the log file: ENOENT');
  });
});
