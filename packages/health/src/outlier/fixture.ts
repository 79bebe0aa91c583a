/** A detector on virtual time, with hosts whose outcomes a test makes up. */
import type {
  ClusterMonitorContext,
  Deadline,
  Host,
  HostOutlier,
  OutlierDetectionConfig,
  RuntimeFraction,
  StatsScope,
} from '@mesh/core';
import { VirtualClock } from '@mesh/testing';
import { Detector } from './detector.ts';
import { OutlierEvents } from './events.ts';
import { OutlierSettings } from './settings.ts';

/** Envoy's defaults. */
const DEFAULTS: OutlierDetectionConfig = {
  consecutive5xx: 5,
  intervalMs: 10_000,
  baseEjectionTimeMs: 30_000,
  maxEjectionPercent: 10,
  enforcingConsecutive5xx: 100,
  enforcingSuccessRate: 100,
  successRateMinimumHosts: 5,
  successRateRequestVolume: 100,
  successRateStdevFactor: 1900,
  consecutiveGatewayFailure: 5,
  enforcingConsecutiveGatewayFailure: 0,
  splitExternalLocalOriginErrors: false,
  consecutiveLocalOriginFailure: 5,
  enforcingConsecutiveLocalOriginFailure: 100,
  enforcingLocalOriginSuccessRate: 100,
  failurePercentageThreshold: 85,
  enforcingFailurePercentage: 0,
  enforcingFailurePercentageLocalOrigin: 0,
  failurePercentageMinimumHosts: 5,
  failurePercentageRequestVolume: 50,
  maxEjectionTimeJitterMs: 0,
  successfulActiveHealthCheckUnejectHost: true,
  alwaysEjectOneHost: false,
  detectDegradedHosts: false,
};

/** A host as a detector sees it. */
export interface TestHost {
  readonly address: string;
  healthFlags: number;
  outlier: HostOutlier;
}

/** A cluster of hosts under a detector. */
export class DetectorTest {
  readonly clock = new VirtualClock();
  readonly hosts: readonly TestHost[];
  readonly detector: Detector;
  /** Lines of the event log, parsed. */
  readonly events: Record<string, unknown>[] = [];
  /** Runtime keys. */
  readonly runtime = new Map<string, number>();
  /** What chance says next. */
  random = 0;
  private readonly values = new Map<string, number>();
  private stopTimer: (() => void) | undefined = undefined;

  constructor(hosts: number, config: Partial<OutlierDetectionConfig> = {}) {
    this.hosts = Array.from({ length: hosts }, (_, at) => this.host(`10.0.0.${at}:80`));
    const context = this.context();
    const write = (line: string) => void this.events.push(JSON.parse(line) as Record<string, unknown>);
    const settings = new OutlierSettings({ ...DEFAULTS, ...config }, context.runtime);
    this.detector = new Detector(context, settings, new OutlierEvents('c', this.clock, { write, close: () => {} }));
    this.add(this.hosts);
    void this.detector.start();
  }

  host(address: string): TestHost {
    return { address, healthFlags: 0, outlier: undefined as unknown as HostOutlier };
  }

  add(hosts: readonly TestHost[]): void {
    this.detector.onHosts(hosts as unknown as readonly Host[], []);
  }

  remove(hosts: readonly TestHost[]): void {
    this.detector.onHosts([], hosts as unknown as readonly Host[]);
  }

  /** `count` responses of one status. */
  answers(host: number, status: number, count = 1): void {
    for (let i = 0; i < count; i++) this.hosts[host]?.outlier.onStatus(status);
  }

  /** An interval's worth: so many good answers of `total`. */
  rate(host: number, good: number, total = 100): void {
    this.answers(host, 500, total - good);
    this.answers(host, 200, good);
  }

  /** Places of the hosts that have a flag. */
  flagged(flag: number): number[] {
    return this.hosts.flatMap(({ healthFlags }, at) => ((healthFlags & flag) === 0 ? [] : [at]));
  }

  /** Statistics below `outlier_detection.ejections_` that are not 0. */
  get counts(): Readonly<Record<string, number>> {
    const entries = [...this.values].filter(([, value]) => value !== 0);
    return Object.fromEntries(
      entries.map(([name, value]) => [name.replace('outlier_detection.ejections_', ''), value]),
    );
  }

  private context(): ClusterMonitorContext {
    const { clock, runtime } = this;
    const integer = (key: string, fallback: number) => runtime.get(key) ?? fallback;
    const timers = {
      clock,
      nowMs: () => clock.nowMs(),
      arm: (deadline: Deadline, delayMs: number) => {
        this.stopTimer?.();
        this.stopTimer = clock.schedule(() => deadline.onDue(), delayMs);
      },
    };
    return {
      clusterName: 'c',
      clock,
      timers,
      random: () => this.random,
      runtime: {
        integer,
        enabled: ({ runtimeKey, numerator, denominator }: RuntimeFraction, random: number) =>
          random % denominator < integer(runtimeKey, numerator),
      },
      stats: this.scope(''),
      setHealth: (host: TestHost, flags: number, on: boolean) => {
        host.healthFlags = on ? host.healthFlags | flags : host.healthFlags & ~flags;
        return true;
      },
      attach: (host: TestHost, { outlier }: { outlier: HostOutlier }) => {
        host.outlier = outlier;
      },
    } as unknown as ClusterMonitorContext;
  }

  private scope(prefix: string): StatsScope {
    const metric = (name: string) => {
      const add = (by: number) => void this.values.set(prefix + name, (this.values.get(prefix + name) ?? 0) + by);
      return { inc: () => add(1), dec: () => add(-1) };
    };
    const scope = (name: string) => this.scope(prefix + name);
    return { counter: metric, gauge: metric, scope } as unknown as StatsScope;
  }
}
