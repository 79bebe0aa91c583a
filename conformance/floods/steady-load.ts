/** Requests at even distances over a few HTTP/2 connections, whatever becomes of them: an open loop. */
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';

const CONNECTIONS = 8;

export class SteadyLoad {
  private readonly sessions: readonly ClientHttp2Session[];
  private sent = 0;

  private constructor(sessions: readonly ClientHttp2Session[]) {
    this.sessions = sessions;
  }

  static async connect(port: number): Promise<SteadyLoad> {
    const sessions = Array.from({ length: CONNECTIONS }, () => connect(`http://127.0.0.1:${port}`));
    await Promise.all(sessions.map((session) => once(session, 'connect')));
    return new SteadyLoad(sessions);
  }

  /** `rate` requests per second for a while. Resolves with their times in ms; rejects when one is not answered 200. */
  async run(rate: number, forMs: number): Promise<number[]> {
    const started = performance.now();
    const all: Promise<number>[] = [];
    while (performance.now() - started < forMs) {
      while (all.length < ((performance.now() - started) * rate) / 1000) all.push(this.request());
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return Promise.all(all);
  }

  private async request(): Promise<number> {
    const session = this.sessions[this.sent++ % CONNECTIONS] as ClientHttp2Session;
    const started = performance.now();
    const stream = session.request({ ':path': '/small' });
    const [[head]] = await Promise.all([once(stream, 'response'), once(stream.resume(), 'end')]);
    if (head[':status'] !== 200) throw new Error(`status ${head[':status']}`);
    return performance.now() - started;
  }

  close(): void {
    for (const session of this.sessions) session.destroy();
  }
}

/** The time that `share` of them stayed below. */
export function quantile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
