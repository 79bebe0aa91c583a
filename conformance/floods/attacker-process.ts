/** The parent's side of `attacker.ts`. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Order } from './attacker.ts';

const SCRIPT = fileURLToPath(new URL('./attacker.ts', import.meta.url));

export class AttackerProcess {
  readonly pid: number;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
    this.pid = child.pid ?? 0;
  }

  /** Resolves when it takes orders. */
  static async start(): Promise<AttackerProcess> {
    const child = fork(SCRIPT, { execArgv: ['--import', 'tsx'] });
    await once(child, 'message');
    return new AttackerProcess(child);
  }

  /** Attacks while `run` runs; resolves with the number of attacks that were made. */
  async during(order: Order, run: () => Promise<void>): Promise<number> {
    this.child.send(order);
    await run();
    this.child.send('stop');
    const [count] = await once(this.child, 'message');
    return count as number;
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}
