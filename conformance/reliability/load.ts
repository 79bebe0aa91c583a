/** Load: many connections that each send one request after another, and what came of it. */
import type { Answer } from './answers.ts';
import { Client, NoAnswer } from './client.ts';

/** What became of a load. */
export interface LoadReport {
  /** Whole answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests without a whole answer, by what the client saw. */
  readonly lost: Readonly<Record<string, number>>;
  /** Connections that could not be made, by error code. */
  readonly refused: Readonly<Record<string, number>>;
  /** Time of each whole answer in ms, sorted. */
  readonly times: readonly number[];
}

/** What the load is made of. */
export interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  /** The bytes of the next request; undefined ends the load. Runs when a connection is free. */
  next(): string | undefined;
  /** Waits before each request: a rate, or a gap that leaves connections idle. */
  pause?(): Promise<void>;
  /** Looks at a whole answer; a text counts as a loss of that name. */
  judge?(answer: Answer, request: string): string | undefined;
}

/** Runs the load to its end. Connections that the proxy ends in order are replaced. */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const tally = new Tally();
  await Promise.all(Array.from({ length: options.connections }, () => runConnection(options, tally)));
  return tally.report();
}

async function runConnection(options: LoadOptions, tally: Tally): Promise<void> {
  let client: Client | undefined;
  for (;;) {
    await options.pause?.();
    const request = options.next();
    if (request === undefined) break;
    if (client === undefined || !client.usable) {
      client?.destroy();
      client = await connect(options.port, tally);
      if (client === undefined) continue;
    }
    const keep = await exchange(client, request, options, tally);
    if (!keep) {
      client.destroy();
      client = undefined;
    }
  }
  client?.destroy();
}

async function connect(port: number, tally: Tally): Promise<Client | undefined> {
  try {
    return await Client.connect(port);
  } catch (error) {
    tally.refused((error as NodeJS.ErrnoException).code ?? 'unknown');
    return undefined;
  }
}

/** False when the connection must not be used again. */
async function exchange(client: Client, request: string, options: LoadOptions, tally: Tally): Promise<boolean> {
  const started = performance.now();
  try {
    const answer = await client.exchange(request);
    const fault = answer.whole ? options.judge?.(answer, request) : 'truncated';
    if (fault === undefined) tally.answered(answer.status, performance.now() - started);
    else tally.lost(fault);
    return answer.whole && answer.headers.get('connection') !== 'close';
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    tally.lost(error.message);
    return false;
  }
}

class Tally {
  readonly #statuses: Record<string, number> = {};
  readonly #lost: Record<string, number> = {};
  readonly #refused: Record<string, number> = {};
  readonly #times: number[] = [];

  answered(status: number, ms: number): void {
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    this.#times.push(ms);
  }

  lost(how: string): void {
    this.#lost[how] = (this.#lost[how] ?? 0) + 1;
  }

  refused(code: string): void {
    this.#refused[code] = (this.#refused[code] ?? 0) + 1;
  }

  report(): LoadReport {
    const times = this.#times.sort((a, b) => a - b);
    return { statuses: this.#statuses, lost: this.#lost, refused: this.#refused, times };
  }
}

/** The time that `share` of the answers stayed below. */
export function quantile({ times }: LoadReport, share: number): number {
  return times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
}

/** Lets requests go at even distances, whoever asks: `rate` per second in all. */
export function pace(rate: number): () => Promise<void> {
  let due = performance.now();
  return async () => {
    due = Math.max(due + 1000 / rate, performance.now() - 100);
    const wait = due - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  };
}
