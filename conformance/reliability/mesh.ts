/** A real `mesh` process: configuration from a file, signals, exit code. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Exit, SOURCE_FLAGS, WORKSPACE } from './proxy.ts';

const TYPES = 'type.googleapis.com/envoy.extensions.filters';
const START_LIMIT_MS = 15_000;

/** A `mesh` that serves one route to one upstream. */
export class MeshProcess {
  readonly port: number;
  /** Resolves when the process has ended. */
  readonly exit: Promise<Exit>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, exit: Promise<Exit>, port: number) {
    this.#child = child;
    this.exit = exit;
    this.port = port;
  }

  /** Resolves when it serves. Rejects when it ends before. */
  static async start(upstreamPort: number): Promise<MeshProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'mesh-drain-'));
    const config = join(folder, 'mesh.json');
    const address = join(folder, 'admin');
    writeFileSync(config, JSON.stringify(bootstrap(upstreamPort)));
    const script = fileURLToPath(new URL('./mesh-command.ts', import.meta.url));
    const args = [...SOURCE_FLAGS, script, '-c', config, '--admin-address-path', address, '--log-level', 'error'];
    const child = spawn(process.execPath, args, { cwd: WORKSPACE, stdio: ['ignore', 'inherit', 'inherit'] });
    const exit = once(child, 'exit').then(([code, signal]) => ({ code, signal }) as Exit);
    const early = exit.then((how) => Promise.reject(new Error(`mesh did not start: ${JSON.stringify(how)}`)));
    try {
      const port = await Promise.race([early, listenerPort(address)]);
      return new MeshProcess(child, exit, port);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends the process at once, whatever it is doing. */
  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exit;
  }
}

/** The file is written once all listeners are bound. */
async function listenerPort(file: string): Promise<number> {
  const endMs = performance.now() + START_LIMIT_MS;
  while (!existsSync(file) || readFileSync(file, 'utf8') === '') {
    if (performance.now() > endMs) throw new Error('mesh has not written its admin address');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const url = `http://${readFileSync(file, 'utf8')}/listeners?format=json`;
  const response = await fetch(url, { headers: { connection: 'close' } });
  const { listener_statuses } = (await response.json()) as ListenersPage;
  const port = listener_statuses[0]?.local_address.socket_address.port_value;
  if (port === undefined) throw new Error('mesh has no listener');
  return port;
}

interface ListenersPage {
  readonly listener_statuses: readonly {
    readonly local_address: { readonly socket_address: { readonly port_value: number } };
  }[];
}

function bootstrap(upstreamPort: number): object {
  const address = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
  const limits = { max_connections: 10_000, max_pending_requests: 10_000, max_requests: 10_000 };
  const manager = {
    '@type': `${TYPES}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'ingress_http',
    route_config: {
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'upstream' } }] },
      ],
    },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPES}.http.router.v3.Router` } }],
  };
  return {
    admin: { address: address(0) },
    static_resources: {
      listeners: [
        {
          name: 'main',
          address: address(0),
          filter_chains: [
            { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] },
          ],
        },
      ],
      clusters: [
        {
          name: 'upstream',
          connect_timeout: '5s',
          circuit_breakers: { thresholds: [limits] },
          load_assignment: {
            cluster_name: 'upstream',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(upstreamPort) } }] }],
          },
        },
      ],
    },
  };
}
