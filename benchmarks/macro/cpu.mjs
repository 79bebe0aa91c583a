/** Reads CPU time and resident memory of a set of processes from /proc. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/**
 * Where CPU time comes from: `schedstat` is exact to the nanosecond (sum over all threads); `stat` counts clock ticks,
 * usually 10 ms, and is the fallback for kernels without scheduler statistics.
 * @type {'schedstat' | 'stat'}
 */
export const cpuClock = existsSync('/proc/self/schedstat') ? 'schedstat' : 'stat';

/** CPU time used so far, in µs, by all threads of these processes. @param {number[]} pids */
export function cpuMicros(pids) {
  let sum = 0;
  for (const pid of pids) sum += cpuClock === 'schedstat' ? schedMicros(pid) : tickMicros(pid);
  return sum;
}

/** Resident memory in bytes, summed; pages shared between processes count once for each. @param {number[]} pids */
export function residentBytes(pids) {
  let sum = 0;
  for (const pid of pids) {
    const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    if (match) sum += Number(match[1]) * 1024;
  }
  return sum;
}

/** @param {number} pid */
function schedMicros(pid) {
  let nanos = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    // `schedstat` of the process itself covers its main thread only, hence the walk over its threads.
    nanos += Number.parseInt(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1'), 10);
  }
  return nanos / 1000;
}

/** @type {number | undefined} */
let ticksPerSecond;

/** @param {number} pid */
function tickMicros(pid) {
  ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / ticksPerSecond;
}
