/** A real Envoy: `ENVOY_BIN`, or `envoy` from the PATH. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bootstrap, type Placed } from './bootstrap.ts';
import type { Yaml } from './scenario.ts';
import type { Target } from './target.ts';

/** The Envoy that is run. */
export const ENVOY = process.env.ENVOY_BIN ?? 'envoy';

/** The version of the Envoy that is found, e.g. `1.40.0`; `undefined` when there is none. */
export function envoyVersion(): string | undefined {
  try {
    const text = execFileSync(ENVOY, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return /version: [\da-f]+\/(\d+\.\d+\.\d+)/.exec(text)?.[1];
  } catch {
    return undefined;
  }
}

interface ListenerStatus {
  readonly name: string;
  readonly local_address: { readonly socket_address: { readonly port_value: number } };
}

/** A running Envoy. */
export interface EnvoyProcess {
  /** `ip:port` of the admin server. */
  readonly admin: string;
  /** Ports of the listeners, by name. */
  readonly ports: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** Starts one, and waits until `listeners` are bound. Rejects with what Envoy says when it refuses the configuration. */
export async function launchEnvoy(
  config: Yaml,
  listeners: number,
  more: readonly string[] = [],
): Promise<EnvoyProcess> {
  const folder = await mkdtemp(path.join(tmpdir(), 'conformance-'));
  const adminFile = path.join(folder, 'admin');
  const configFile = path.join(folder, 'envoy.json');
  const adminAddress = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } };
  await writeFile(configFile, JSON.stringify({ admin: adminAddress, ...config }));
  const options = [
    '-c',
    configFile,
    '--admin-address-path',
    adminFile,
    '--use-dynamic-base-id',
    '-l',
    'error',
    ...more,
  ];
  const child = spawn(ENVOY, [...options, '--concurrency', '1'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => void said.push(text));
  const exit = once(child, 'exit');
  const close = async () => {
    child.kill('SIGKILL');
    await exit;
    await rm(folder, { recursive: true });
  };
  try {
    const { address, ports } = await listening(child, adminFile, listeners);
    return { admin: address, ports, close };
  } catch (error) {
    await close();
    throw new Error(`${(error as Error).message}:\n${said.join('')}`, { cause: error });
  }
}

/** Starts one for scenarios. */
export async function startEnvoy(placed: readonly Placed[]): Promise<Target> {
  const { admin, ports, close } = await launchEnvoy(bootstrap(placed), placed.length);
  return {
    version: envoyVersion() ?? 'unknown',
    refused: new Map(),
    port: (scenario) => ports.get(scenario) as number,
    stats: () => stats(admin),
    close,
  };
}

/** Asks the admin server until every listener is bound. */
async function listening(child: ChildProcess, adminFile: string, count: number) {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (child.exitCode !== null) throw new Error('envoy has exited');
    await new Promise((resolve) => setTimeout(resolve, 25));
    const address = await readFile(adminFile, 'utf8').catch(() => '');
    if (address === '') continue;
    const answer = await fetch(`http://${address}/listeners?format=json`).catch(() => undefined);
    if (answer === undefined) continue;
    const { listener_statuses: statuses = [] } = (await answer.json()) as { listener_statuses?: ListenerStatus[] };
    if (statuses.length < count) continue;
    const ports = new Map(statuses.map((each) => [each.name, each.local_address.socket_address.port_value]));
    return { address, ports };
  }
  throw new Error('envoy does not start');
}

async function stats(address: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`http://${address}/stats?type=All`)).text();
  const lines = text.split('\n').map((line) => /^(.*): (\d+)$/.exec(line));
  return new Map(lines.flatMap((match) => (match === null ? [] : [[match[1] as string, Number(match[2])]])));
}
