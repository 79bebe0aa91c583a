/** The parent's side of `proxy-process.ts`: starts the process, asks it, ends it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FromProxy, Measurement, ProxySettings } from './proxy-process.ts';

/** How to start the process. */
export interface StartOptions extends ProxySettings {
  /** Runs it under `ulimit -n`. */
  readonly openFiles?: number;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** The folder that the processes run in. */
const WORKSPACE = fileURLToPath(new URL('../..', import.meta.url));

/** Flags that run TypeScript sources of this workspace without a build. */
const SOURCE_FLAGS = ['--conditions=@mesh/source', '--import', 'tsx'] as const;

/** A running proxy process. */
export class ProxyProcess {
  readonly port: number;
  /** Resolves when the process has ended. */
  readonly exit: Promise<Exit>;
  readonly #child: ChildProcess;
  #ended = false;

  private constructor(child: ChildProcess, exit: Promise<Exit>, port: number) {
    this.#child = child;
    this.exit = exit;
    this.port = port;
    void exit.then(() => {
      this.#ended = true;
    });
  }

  /** Resolves when the proxy listens. Rejects when it ends before. */
  static async start({ openFiles, ...settings }: StartOptions): Promise<ProxyProcess> {
    const script = fileURLToPath(new URL('./proxy-process.ts', import.meta.url));
    const command = [process.execPath, '--expose-gc', ...SOURCE_FLAGS, script];
    const limited =
      openFiles === undefined ? command : ['sh', '-c', `ulimit -n ${openFiles}; exec "$@"`, 'sh', ...command];
    const child = spawn(limited[0] as string, limited.slice(1), {
      cwd: WORKSPACE,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const exit = once(child, 'exit').then(([code, signal]) => ({ code, signal }) as Exit);
    child.send(settings);
    const early = exit.then((how) => Promise.reject(new Error(`the proxy did not start: ${JSON.stringify(how)}`)));
    const [message] = (await Promise.race([once(child, 'message'), early])) as [FromProxy];
    if (!('port' in message)) throw new Error('the proxy told something else than its port');
    return new ProxyProcess(child, exit, message.port);
  }

  get running(): boolean {
    return !this.#ended;
  }

  /** What the process holds now, after a garbage collection. */
  async measure(): Promise<Measurement> {
    this.#child.send('measure');
    const dead = this.exit.then((how) => Promise.reject(new Error(`the proxy is dead: ${JSON.stringify(how)}`)));
    const [message] = (await Promise.race([once(this.#child, 'message'), dead])) as [FromProxy];
    if (!('measurement' in message)) throw new Error('the proxy told something else than a measurement');
    return message.measurement;
  }

  /** Measures until `enough` holds; after `limitMs` the last measurement is returned as it is. */
  async measureUntil(enough: (measurement: Measurement) => boolean, limitMs: number): Promise<Measurement> {
    const endMs = performance.now() + limitMs;
    for (;;) {
      const measurement = await this.measure();
      if (enough(measurement) || performance.now() >= endMs) return measurement;
      await new Promise((resolve) => setTimeout(resolve, 50));
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
