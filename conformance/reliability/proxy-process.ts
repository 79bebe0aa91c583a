/**
 * A proxy in a process of its own, told what to do over IPC: the first message says how to build it, later ones ask for
 * a {@link Measurement}. SIGTERM drains it; the process exits by itself when nothing is left.
 */
import { getHeapStatistics } from 'node:v8';
import { cluster, createProxy, http, listener, route } from '@mesh/core';
import { router } from '@mesh/filters-http';

/** How to build the proxy. */
export interface ProxySettings {
  readonly upstreamPorts: readonly number[];
  /** Options of `http(…)` besides routes and filters. */
  readonly http?: object;
  /** The action of the one route. */
  readonly route?: object;
  /** Options of `cluster(…)` besides the endpoints. */
  readonly cluster?: object;
  readonly drainTimeMs?: number;
  /** The rest of the bootstrap. */
  readonly bootstrap?: object;
}

/** What the process holds at one moment. */
export interface Measurement {
  /** After garbage collection, when the process runs with `--expose-gc`. */
  readonly heapBytes: number;
  /** CPU time used since the process started. */
  readonly cpuMs: number;
  /** Sockets, pipes and timers that keep the event loop, by kind. */
  readonly resources: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
  readonly gauges: Readonly<Record<string, number>>;
}

/** What the process tells. */
export type FromProxy = { readonly port: number } | { readonly measurement: Measurement };

const settings = await new Promise<ProxySettings>((resolve) => process.once('message', resolve));

const proxy = await createProxy({
  config: { ...settings.bootstrap },
  listeners: [
    listener({
      name: 'main',
      host: '127.0.0.1',
      http: http({
        ...settings.http,
        routes: [route('/', 'upstream', { route: { ...settings.route } })],
        filters: [router()],
      }),
    }),
  ],
  clusters: [
    cluster('upstream', {
      endpoints: settings.upstreamPorts.map((port) => `127.0.0.1:${port}`),
      ...settings.cluster,
    }),
  ],
  ...(settings.drainTimeMs === undefined ? {} : { drainTimeMs: settings.drainTimeMs }),
});
await proxy.start();

const onMessage = (): void => tell({ measurement: measure() });
process.on('message', onMessage);
process.on('disconnect', () => process.exit());
process.once('SIGTERM', async () => {
  await proxy.drain();
  await proxy.close();
  process.off('message', onMessage);
  if (process.connected) process.channel?.unref();
});
tell({ port: proxy.address('main').port });

function tell(message: FromProxy): void {
  process.send?.(message);
}

function measure(): Measurement {
  // Nothing here may need a file descriptor, as `process.memoryUsage()` does: some tests leave none.
  // Twice: the first run only finds what has a finaliser.
  globalThis.gc?.();
  globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  return {
    heapBytes: getHeapStatistics().used_heap_size,
    cpuMs: (user + system) / 1000,
    resources: countByKind(process.getActiveResourcesInfo()),
    counters: Object.fromEntries(proxy.stats.counters().map(({ name, value }) => [name, value])),
    gauges: Object.fromEntries(proxy.stats.gauges().map(({ name, value }) => [name, value])),
  };
}

function countByKind(kinds: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of kinds) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
