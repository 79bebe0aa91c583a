/** A real `mesh` process from the sources of this workspace: configuration from a file, signals, exit code. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const START_LIMIT_MS = 15_000;
const WORKSPACE = fileURLToPath(new URL('../..', import.meta.url));
const SCRIPT = fileURLToPath(new URL('./mesh-command.ts', import.meta.url));

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** How a process is started, where it matters. */
export interface ProcessOptions {
  /** `pipe`: its standard output goes to a pipe that nobody reads. */
  readonly stdout?: 'pipe' | 'inherit';
  /** A command, with its arguments, that runs the process: `prlimit --fsize=…`. */
  readonly prefix?: readonly string[];
}

/** `mesh -c` with a file of its own. */
export class MeshProcess {
  /** Ports of the listeners, in the order of the file. */
  readonly ports: readonly number[];
  /** `http://address:port` of the admin server, which the config must have. */
  readonly admin: string;
  /** Resolves when the process has ended. */
  readonly exit: Promise<Exit>;
  readonly pid: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, exit: Promise<Exit>, admin: string, ports: readonly number[]) {
    this.#child = child;
    this.exit = exit;
    this.pid = child.pid ?? 0;
    this.admin = admin;
    this.ports = ports;
  }

  /** The first listener's port. */
  get port(): number {
    return this.ports[0] ?? 0;
  }

  /** Resolves when it serves. Rejects when it ends before. `config` is the text of the file, YAML or JSON. */
  static async start(
    config: string,
    args: readonly string[] = [],
    { stdout = 'inherit', prefix = [] }: ProcessOptions = {},
  ): Promise<MeshProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'mesh-process-'));
    const file = join(folder, 'envoy.yaml');
    const address = join(folder, 'admin');
    writeFileSync(file, config);
    const flags = ['--conditions=@mesh/source', '--import', 'tsx', SCRIPT];
    const own = ['-c', file, '--admin-address-path', address, '--log-level', 'error', ...args];
    const [command, ...rest] = [...prefix, process.execPath, ...flags, ...own] as [string, ...string[]];
    const child = spawn(command, rest, { cwd: WORKSPACE, stdio: ['ignore', stdout, 'inherit'] });
    child.stdout?.pause();
    const exit = once(child, 'exit').then(([code, signal]) => ({ code, signal }) as Exit);
    const early = exit.then((how) => Promise.reject(new Error(`mesh did not start: ${JSON.stringify(how)}`)));
    try {
      const admin = `http://${await Promise.race([early, written(address)])}`;
      return new MeshProcess(child, exit, admin, await listenerPorts(admin));
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** A page of the admin server. */
  async page(path: string): Promise<string> {
    const response = await fetch(`${this.admin}${path}`, { headers: { connection: 'close' } });
    return response.text();
  }

  /** Ends the process at once, whatever it is doing. */
  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exit;
  }
}

/** The file is written once all listeners are bound. */
async function written(file: string): Promise<string> {
  const endMs = performance.now() + START_LIMIT_MS;
  while (!existsSync(file) || readFileSync(file, 'utf8') === '') {
    if (performance.now() > endMs) throw new Error('mesh has not written its admin address');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return readFileSync(file, 'utf8');
}

interface ListenersPage {
  readonly listener_statuses: readonly {
    readonly local_address: { readonly socket_address: { readonly port_value: number } };
  }[];
}

async function listenerPorts(admin: string): Promise<number[]> {
  const response = await fetch(`${admin}/listeners?format=json`, { headers: { connection: 'close' } });
  const { listener_statuses: all } = (await response.json()) as ListenersPage;
  return all.map(({ local_address }) => local_address.socket_address.port_value);
}
