/** The `server.` gauges that are looked up rather than counted. */
import { getHeapStatistics } from 'node:v8';
import type { ServerState } from '../admin/index.ts';
import type { ServerStats } from '../stats/index.ts';

/** What the process cannot tell by itself. */
export interface ServerFacts {
  readonly startedAt: number;
  readonly connections: number;
  readonly daysUntilFirstExpiry: number;
  readonly state: ServerState;
}

/** Brings the gauges up to date. */
export function updateServerStats(stats: ServerStats, facts: ServerFacts): void {
  const heap = getHeapStatistics();
  stats.uptime.set(Math.floor((Date.now() - facts.startedAt) / 1000));
  stats.memory_allocated.set(heap.used_heap_size + heap.external_memory);
  stats.memory_heap_size.set(heap.total_heap_size + heap.external_memory);
  stats.memory_physical_size.set(residentBytes() ?? stats.memory_physical_size.value);
  stats.total_connections.set(facts.connections);
  stats.days_until_first_cert_expiring.set(facts.daysUntilFirstExpiry);
  stats.state.set(facts.state === 'LIVE' ? 0 : facts.state === 'DRAINING' ? 1 : 3);
}

/** Asking needs a file descriptor; undefined when the process has none left, which is no reason to fail. */
function residentBytes(): number | undefined {
  try {
    return process.memoryUsage.rss();
  } catch {
    return undefined;
  }
}
