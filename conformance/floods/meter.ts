/** What a process has used, from outside of it (Linux `/proc`). */
import { readdirSync, readFileSync } from 'node:fs';

const MB = 1 << 20;

/** Time on a processor so far, of all its threads, in ms. */
export function cpuMs(pid: number): number {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  }
  return ns / 1e6;
}

/** Resident memory in MB. */
export function rssMb(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return (pages * 4096) / MB;
}

/** Waits until a process uses less than `share` of a core; answers the time that took, at most `limitMs` and a window. */
export async function untilIdle(pid: number, share: number, limitMs: number): Promise<number> {
  const windowMs = 200;
  const started = performance.now();
  for (;;) {
    const from = performance.now();
    const before = cpuMs(pid);
    await new Promise((resolve) => setTimeout(resolve, windowMs));
    const used = (cpuMs(pid) - before) / (performance.now() - from);
    if (used < share || performance.now() - started > limitMs) return from - started;
  }
}
