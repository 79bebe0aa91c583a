import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

/** The command as a process of its own, run from the sources. */
class Mesh {
  readonly child: ChildProcess;
  stderr = '';
  admin = '';
  web = 0;

  constructor(argv: readonly string[]) {
    const program = `import { main } from ${JSON.stringify(new URL('main.ts', import.meta.url).href)};
      process.exitCode = await main(process.argv.slice(1));`;
    const node = ['--conditions=@mesh/source', '--import', import.meta.resolve('tsx'), '--input-type=module'];
    this.child = spawn(process.execPath, [...node, '-e', program, '--', ...argv], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
  }

  /** Resolves when it serves. */
  async ready(): Promise<void> {
    const adminFile = path.join(dir, 'admin');
    await vi.waitFor(
      () => {
        if (this.child.exitCode !== null) throw new Error(`ended with ${this.child.exitCode}: ${this.stderr}`);
        this.admin = fs.readFileSync(adminFile, 'utf8');
        expect(this.admin).toMatch(/^127\.0\.0\.1:\d+$/);
      },
      { timeout: 15_000, interval: 20 },
    );
    const listeners = JSON.parse(await this.ask('/listeners?format=json'));
    this.web = listeners.listener_statuses[0].local_address.socket_address.port_value;
  }

  async ask(target: string, method = 'GET'): Promise<string> {
    return (await fetch(`http://${this.admin}${target}`, { method })).text();
  }

  /** Sends a signal and resolves when the log answers with `text`. */
  async signal(name: NodeJS.Signals, text: string): Promise<void> {
    this.child.kill(name);
    await vi.waitFor(() => expect(this.stderr).toContain(text), { timeout: 5000, interval: 10 });
  }

  async ended(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }
}

let dir: string;
let upstream: http.Server;
let held: http.ServerResponse[];
let mesh: Mesh | undefined;

beforeEach(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-serve-'));
  held = [];
  upstream = http.createServer((request, response) => {
    if (request.url === '/slow') held.push(response);
    else response.end(`you asked for ${request.url}`);
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
});

afterEach(async () => {
  mesh?.child.kill('SIGKILL');
  await mesh?.ended();
  mesh = undefined;
  upstream.closeAllConnections();
  upstream.close();
  fs.rmSync(dir, { recursive: true });
});

function configFile(): string {
  const file = path.join(dir, 'front.yaml');
  fs.writeFileSync(
    file,
    `
admin:
  address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
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
            - { name: all, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: back, timeout: 0s } }] }
          http_filters:
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  clusters:
  - name: back
    type: STRICT_DNS
    dns_lookup_family: V4_ONLY
    load_assignment:
      cluster_name: back
      endpoints:
      - lb_endpoints:
        - endpoint:
            address: { socket_address: { address: localhost, port_value: ${(upstream.address() as AddressInfo).port} } }
`,
  );
  return file;
}

async function start(...argv: string[]): Promise<Mesh> {
  mesh = new Mesh(['-c', configFile(), '--admin-address-path', path.join(dir, 'admin'), ...argv]);
  await mesh.ready();
  return mesh;
}

function get(
  port: number,
  target: string,
): Promise<{ status: number | undefined; connection: string | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const agent = new http.Agent({ keepAlive: true });
    const request = http.get({ host: '127.0.0.1', port, path: target, agent }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('error', reject);
      response.on('end', () => {
        agent.destroy();
        resolve({ status: response.statusCode, connection: response.headers.connection, body });
      });
    });
    request.on('error', reject);
  });
}

/** A request that is in flight: the upstream has it and does not answer. */
async function slowRequest(port: number) {
  const answer = get(port, '/slow');
  // Looked at later; until then a cut connection must not count as an error that nobody handles.
  answer.catch(() => {});
  await vi.waitFor(() => expect(held).toHaveLength(1), { timeout: 5000, interval: 10 });
  return { answer };
}

describe('mesh as a process', () => {
  it('serves, and at SIGTERM lets a request in flight finish before it ends with 0', async () => {
    const running = await start('--service-node', 'node-1', '--drain-time-s', '30');
    expect(running.stderr).toContain(`starting mesh  version: mesh/`);
    expect(await get(running.web, '/a')).toMatchObject({ status: 200, body: 'you asked for /a' });
    const info = JSON.parse(await running.ask('/server_info'));
    expect(info.state).toBe('LIVE');
    expect(info.node.id).toBe('node-1');
    expect(info.command_line_options).toMatchObject({ drain_time: '30s', service_node: 'node-1', mode: 'Serve' });

    const { answer } = await slowRequest(running.web);
    await running.signal('SIGTERM', 'caught SIGTERM');
    await vi.waitFor(() => expect(get(running.web, '/b')).rejects.toThrow('ECONNREFUSED'), {
      timeout: 5000,
      interval: 20,
    });
    expect(running.child.exitCode).toBeNull();
    held[0]!.end('at last');
    expect(await answer).toMatchObject({ status: 200, connection: 'close', body: 'at last' });
    expect(await running.ended()).toBe(0);
  });

  it('ends at once at a second signal', async () => {
    const running = await start();
    const { answer } = await slowRequest(running.web);
    await running.signal('SIGINT', 'caught SIGINT');
    running.child.kill('SIGINT');
    expect(await running.ended()).toBe(130);
    await expect(answer).rejects.toThrow();
  });

  it('waits no longer than the drain time', async () => {
    const running = await start('--drain-time-s', '1');
    const { answer } = await slowRequest(running.web);
    running.child.kill('SIGTERM');
    await expect(answer).rejects.toThrow();
    expect(await running.ended()).toBe(0);
  });

  it('ends with 0 at /quitquitquit', async () => {
    const running = await start();
    expect(await running.ask('/quitquitquit', 'POST')).toBe('OK\n');
    expect(await running.ended()).toBe(0);
  });

  it('eats SIGHUP, and at SIGUSR1 reopens its log files instead of a debugger', async () => {
    const log = path.join(dir, 'mesh.log');
    const access = path.join(dir, 'access.log');
    const logs = ['--log-path', log, '--log-format', '%l %v', '--file-flush-interval-msec', '20'];
    const running = await start('--config-yaml', `admin: { access_log_path: ${access} }`, ...logs);
    const logged = (file: string, text: string) =>
      vi.waitFor(() => expect(fs.readFileSync(file, 'utf8')).toContain(text), { timeout: 5000, interval: 10 });
    running.child.kill('SIGHUP');
    await logged(log, 'warning caught and eating SIGHUP\n');
    fs.renameSync(log, `${log}.1`);
    fs.renameSync(access, `${access}.1`);
    running.child.kill('SIGUSR1');
    await logged(log, 'info log files reopened\n');
    await running.ask('/ready');
    await logged(access, '"GET /ready HTTP/1.1" 200');
    expect(await get(running.web, '/c')).toMatchObject({ status: 200 });
    expect(running.stderr).toBe('');
    running.child.kill('SIGTERM');
    expect(await running.ended()).toBe(0);
    expect(fs.readFileSync(log, 'utf8').trimEnd().split('\n').at(-1)).toBe('info exiting');
  });

  it('ends with 1 when an address is taken, and has then closed the rest', async () => {
    const { port } = upstream.address() as AddressInfo;
    const file = configFile();
    fs.writeFileSync(
      file,
      fs.readFileSync(file, 'utf8').replace('port_value: 0 } }\n    filter', `port_value: ${port} } }\n    filter`),
    );
    mesh = new Mesh(['-c', file]);
    expect(await mesh.ended()).toBe(1);
    expect(mesh.stderr).toContain('cannot start: ');
    expect(mesh.stderr).toContain(`127.0.0.1:${port}`);
  });

  it('keeps running without listeners', async () => {
    mesh = new Mesh(['--config-yaml', 'static_resources: {}']);
    await vi.waitFor(() => expect(mesh!.stderr).toContain('serving'), { timeout: 15_000, interval: 20 });
    mesh.child.kill('SIGTERM');
    expect(await mesh.ended()).toBe(0);
  });
});
