/** Tracing of filters under test: the connection manager's own, with what the kit has for its parts. */
import type { Clusters, HttpConnectionManagerConfig, SideCalls } from '@mesh/core';
import {
  type BuiltTracing,
  httpTracing,
  NO_RUNTIME,
  type StatsStore,
  type TimerWheel,
  Tracers,
} from '@mesh/core/engine';

/** What the kit gives. */
export interface TestTracingParts {
  readonly store: StatsStore;
  readonly clusters: Clusters;
  readonly sideCalls: SideCalls;
  readonly wheel: TimerWheel;
  readonly random: () => number;
  log(level: string, message: string): void;
}

/** `undefined` when the settings ask for none. */
export function testTracing(config: HttpConnectionManagerConfig, parts: TestTracingParts): BuiltTracing | undefined {
  const { clusters, log, random, sideCalls, store, wheel } = parts;
  const rootScope = store.scope('');
  const observers = {
    ...{ stats: rootScope, clusters, sideCalls, timers: wheel, random, runtime: NO_RUNTIME },
    node: { id: '', cluster: '', region: '', zone: '', subZone: '', localIp: '127.0.0.1', hostname: 'test' },
    files: {
      open: () => {
        throw new Error('filters under test have no log files');
      },
    },
    wallMs: () => wheel.clock.wallMs(),
    log: (level: string, message: string) => log(level, message),
  };
  const tracers = new Tracers(observers, () => {});
  return httpTracing(config, {
    ...{ observers, random, rootScope, runtime: NO_RUNTIME, wheel },
    egress: false,
    tracing: { tracers, provider: undefined },
    tracer: (provider) => tracers.acquire(provider),
  });
}
