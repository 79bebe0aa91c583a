/** What the corpus runs against: this proxy in this process, or (`WIRE_TARGET=envoy`) an Envoy from the PATH. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Bootstrap } from './bootstrap.ts';

/** A running proxy. */
export interface Target {
  readonly name: 'mesh' | 'envoy';
  /** The port of a listener. */
  port(listener: string): number;
  close(): Promise<void>;
}

export async function startTarget(config: Bootstrap): Promise<Target> {
  return process.env.WIRE_TARGET === 'envoy' ? startEnvoy(config) : startMesh(config);
}

/** Loaded only when asked for, so that an Envoy can be judged while the sources here do not even load. */
async function startMesh(config: Bootstrap): Promise<Target> {
  const { startInProcess } = await import('./mesh-target.ts');
  return startInProcess(config);
}

interface ListenerStatus {
  readonly name: string;
  readonly local_address: { readonly socket_address: { readonly port_value: number } };
}

async function startEnvoy(config: Bootstrap): Promise<Target> {
  const folder = await mkdtemp(path.join(tmpdir(), 'wire-'));
  const adminFile = path.join(folder, 'admin');
  const configFile = path.join(folder, 'envoy.json');
  const admin = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } };
  await writeFile(configFile, JSON.stringify({ admin, ...config }));
  const options = ['-c', configFile, '--admin-address-path', adminFile, '--use-dynamic-base-id', '-l', 'error'];
  const child = spawn('envoy', [...options, '--concurrency', '1'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ports = await envoyPorts(child, adminFile, config.static_resources.listeners.length);
  return {
    name: 'envoy',
    port: (listener) => {
      const port = ports.get(listener);
      if (port === undefined) throw new Error(`no listener ${listener}`);
      return port;
    },
    close: async () => {
      child.kill();
      await once(child, 'exit');
      await rm(folder, { recursive: true });
    },
  };
}

/** Asks the admin server until every listener is bound. */
async function envoyPorts(child: ChildProcess, adminFile: string, count: number): Promise<Map<string, number>> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error('envoy has exited');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const admin = await readFile(adminFile, 'utf8').catch(() => undefined);
    if (admin === undefined) continue;
    const answer = await fetch(`http://${admin}/listeners?format=json`);
    const { listener_statuses: statuses = [] } = (await answer.json()) as { listener_statuses?: ListenerStatus[] };
    if (statuses.length < count) continue;
    return new Map(statuses.map((status) => [status.name, status.local_address.socket_address.port_value]));
  }
  throw new Error('envoy does not start');
}
