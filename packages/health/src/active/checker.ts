/** One entry of `health_checks`: its settings, its metrics and how it asks a host. */
import { type ClusterMonitorContext, eventSinkPath, type HealthCheckConfig, type Host } from '@mesh/core';
import { type EventFiles, EventLog } from './event-log.ts';
import { grpcProbes } from './grpc-probe.ts';
import { httpProbes } from './http-probe.ts';
import { type Intervals, intervalsOf } from './intervals.ts';
import type { CheckerType, MakeProbe, Probe, ProbeContext, Verdicts } from './probe.ts';
import { type CheckStats, checkStats } from './stats.ts';
import { tcpProbes } from './tcp-probe.ts';

export class Checker {
  readonly cluster: ClusterMonitorContext;
  readonly config: HealthCheckConfig;
  readonly intervals: Intervals;
  readonly stats: CheckStats;
  /** `undefined` when nobody wants to know. */
  readonly events: EventLog | undefined;
  private readonly probes: MakeProbe;

  /** @throws MeshError `CONFIG_INVALID` when a log file cannot be opened. */
  constructor(config: HealthCheckConfig, cluster: ClusterMonitorContext, files: EventFiles) {
    this.cluster = cluster;
    this.config = config;
    this.intervals = intervalsOf(config);
    this.stats = checkStats(cluster.stats, config.name);
    const paths = [config.eventLogPath, ...config.eventLogger.map(eventSinkPath)].filter((path) => path !== '');
    const sinks = paths.map((path) => files.open(path));
    this.events = sinks.length === 0 ? undefined : new EventLog(typeOf(config), cluster, sinks);
    this.probes = probesOf({ cluster, config, stats: this.stats });
  }

  makeProbe(host: Host, verdicts: Verdicts): Probe {
    return this.probes(host, verdicts);
  }
}

function typeOf(config: HealthCheckConfig): CheckerType {
  if (config.httpHealthCheck !== undefined) return 'HTTP';
  return config.grpcHealthCheck === undefined ? 'TCP' : 'GRPC';
}

function probesOf(context: ProbeContext): MakeProbe {
  const { httpHealthCheck, grpcHealthCheck, tcpHealthCheck } = context.config;
  if (httpHealthCheck !== undefined) return httpProbes(context, httpHealthCheck);
  if (grpcHealthCheck !== undefined) return grpcProbes(context, grpcHealthCheck);
  return tcpProbes(context, tcpHealthCheck ?? { receive: [] });
}
