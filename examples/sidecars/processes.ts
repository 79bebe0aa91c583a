/** The processes of the demo, and the ports they get. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listen } from './applications.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const command = fileURLToPath(new URL('../../packages/cli/bin/mesh.js', import.meta.url));
const START_LIMIT_MS = 20_000;

/** Everything that has to be ended. */
const processes: ChildProcess[] = [];
const folder = mkdtempSync(join(tmpdir(), 'mesh-demo-'));

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The port that a variable asks for; 0 is any. */
export async function portOf(variable: string, usual: number): Promise<number> {
  const given = process.env[variable];
  const port = given === undefined ? usual : Number(given);
  return port === 0 ? freePort() : port;
}

/**
 * Starts `mesh` with one of the files, its ports exchanged, as the given service; resolves when its admin server says LIVE.
 * `hosts` are addresses that stand in the file as 127.0.0.1 beside that port.
 */
export async function startMesh(
  file: string,
  service: string,
  ports: Readonly<Record<number, number>>,
  hosts: Readonly<Record<number, string>> = {},
): Promise<void> {
  const text = readFileSync(join(here, file), 'utf8')
    .replace(/address: 127\.0\.0\.1, port_value: (\d+)/g, (_, port: string) => {
      const [address, value] = [hosts[Number(port)] ?? '127.0.0.1', ports[Number(port)] ?? port];
      return `address: ${address}, port_value: ${value}`;
    })
    .replaceAll('certs/', `${join(here, 'certs')}/`);
  const config = join(folder, `${service}.yaml`);
  writeFileSync(config, text);
  const flags = ['-c', config, '--service-cluster', service, '--service-node', service, '--log-level', 'error'];
  const child = spawn(process.execPath, [command, ...flags], { stdio: 'inherit' });
  processes.push(child);
  const admin = ports[8001] ?? ports[8081];
  const endMs = performance.now() + START_LIMIT_MS;
  while (!(await isLive(`http://127.0.0.1:${admin}/ready`))) {
    if (child.exitCode !== null) throw new Error(`mesh -c ${file} ended with ${child.exitCode}`);
    if (performance.now() > endMs) throw new Error(`mesh -c ${file} was not ready within ${START_LIMIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

async function isLive(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

/** SIGTERM lets every proxy finish what it has; resolves when all are gone. */
export async function stopProcesses(): Promise<void> {
  await Promise.all(
    processes.map((child) => {
      if (child.exitCode !== null || child.signalCode !== null) return undefined;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      return gone;
    }),
  );
  rmSync(folder, { recursive: true, force: true });
}
