/** Where those who judge hosts meet those who use them: active health checks, outlier detection, load reports. */
import type { Clock, RandomSource, Timers } from './clock.ts';
import type { Host } from './cluster.ts';
import type { LogFiles } from './observer.ts';
import type { Runtime } from './runtime.ts';
import type { StatsScope } from './stats.ts';
import type { TcpUser, TransportOptions, UpstreamRequest, UpstreamTicket } from './upstream.ts';

/**
 * Hears how exchanges with one host end. Its callers are the router, the TCP proxy and active checks; it neither throws
 * nor waits.
 */
export interface HostOutlier {
  /** A response came: its HTTP status, for gRPC the HTTP status that stands for `grpc-status`. Once per exchange. */
  onStatus(status: number): void;
  /**
   * Something on this side: `ok` when a connection is there, else an attempt could not connect, was reset or timed out.
   * `status` is the response that stands for it where local and external errors are not told apart; 0 is none.
   */
  onLocalOrigin(ok: boolean, status: number): void;
  /** A response carried `x-envoy-degraded`. */
  onDegraded(): void;
  /** An active check found the host healthy. */
  onActiveCheckPassed(): void;
  /** Degraded hosts are to be told (`detect_degraded_hosts`); otherwise nobody need look. */
  readonly detectsDegraded: boolean;
  /** Percent of the last interval, -1 without enough requests; for `/clusters`. */
  readonly successRate: number;
  readonly localOriginSuccessRate: number;
}

/** What a detector of outliers holds its hosts against, in percent of the last interval; -1 where there is no value. */
export interface OutlierRates {
  readonly successRateAverage: number;
  readonly successRateEjectionThreshold: number;
  readonly localOriginSuccessRateAverage: number;
  readonly localOriginSuccessRateEjectionThreshold: number;
}

/** The active health checks of one host, as others may act on them. */
export interface HostChecks {
  /** A response carried `x-envoy-immediate-health-check-fail`: out at once, until checks pass again. */
  failNow(): void;
}

/** What a host says of its load (`xds.data.orca.v3.OrcaLoadReport`). */
export interface LoadReport {
  readonly cpuUtilization: number;
  readonly applicationUtilization: number;
  readonly memUtilization: number;
  readonly rpsFractional: number;
  readonly eps: number;
  readonly namedMetrics: ReadonlyMap<string, number>;
  readonly utilization: ReadonlyMap<string, number>;
  readonly requestCost: ReadonlyMap<string, number>;
}

/** Takes load reports that responses of a host carry. */
export interface LoadReports {
  onReport(report: LoadReport): void;
}

/** Watches the hosts of one cluster and sets their health flags: a set of active checks, or an outlier detector. */
export interface ClusterMonitor {
  /** It serves `health_checks`: hosts are no good until it has said so. Default false. */
  readonly checksHosts?: boolean;
  /**
   * Called once, after the cluster's first hosts are known. Resolves when the cluster may be used (after the first round of
   * checks); it must resolve in bounded time.
   */
  start(): Promise<void>;
  /** Called with every change of membership, also before `start`, with the first hosts. */
  onHosts(added: readonly Host[], removed: readonly Host[]): void;
  /** Stops timers and checks under way; nothing is set afterwards. */
  close(): void;
  /** Of a detector of outliers, for `/clusters`; they are replaced with every interval. */
  readonly outlierRates?: OutlierRates | undefined;
}

/** What a monitor works with. */
export interface ClusterMonitorContext<Config = unknown> {
  readonly clusterName: string;
  /** The parsed cluster config. */
  readonly config: Config;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: RandomSource;
  readonly runtime: Runtime;
  /** Scope `cluster.<name>.`. */
  readonly stats: StatsScope;
  /** File for what detectors of outliers do (`cluster_manager.outlier_detection.event_log_path`); '' is none. */
  readonly outlierEventLogPath: string;
  /** Where events are written: the proxy's files, which are reopened together. */
  readonly files: LogFiles;
  log(level: 'debug' | 'info' | 'warning' | 'error', message: string): void;
  /** All hosts of all priorities, as they are now. */
  hosts(): readonly Host[];
  /** Sets or clears bits of `HealthFlag`; balancing follows with the next choice. True when something changed. */
  setHealth(host: Host, flags: number, on: boolean): boolean;
  /** Notes that active checks found `host` healthy again (slow start counts from here). */
  noteRecovered(host: Host): void;
  /** Installs what others reach through `host.outlier` and `host.checks`. */
  attach(host: Host, parts: { readonly outlier?: HostOutlier; readonly checks?: HostChecks }): void;
  /** Has the cluster ever had an upstream connection: decides between `interval` and `no_traffic_interval`. */
  readonly everUsed: boolean;
  /** Closes the host's pooled connections (`close_connections_on_host_health_failure`). */
  closeConnections(host: Host): void;
  /**
   * A connection for checks, beside the pools and their limits: to the host's check address (`Host.healthCheck`, or
   * `port` instead), over its transport. As `UpstreamCluster.connectTcp`.
   */
  connect(host: Host, user: TcpUser, options: CheckConnectOptions): UpstreamTicket;
  /** HTTP for checks, over connections made as {@link connect} makes them. Nothing is opened before the first request. */
  client(host: Host, protocol: CheckProtocol, options: CheckConnectOptions): CheckClient;
  /** Whether the host is reached over TLS: decides the scheme of requests. */
  isSecure(host: Host): boolean;
}

/** What a check speaks; `alpn` is what the host chooses of both, HTTP/1 when it does not say. */
export type CheckProtocol = 'http1' | 'http2' | 'alpn';

/** HTTP to one host, for checks. Its connection is kept between exchanges for as long as the host keeps it. */
export interface CheckClient {
  /** Asks for a stream, as `UpstreamCluster.open` does. */
  open(request: UpstreamRequest): UpstreamTicket | undefined;
  /** Ends the connection and what is under way on it; the next exchange makes another one. */
  disconnect(): void;
  /** As `disconnect`, for good. */
  close(): void;
}

/** How a check connects. */
export interface CheckConnectOptions {
  /** Port in the place of the host's (`alt_port`, endpoint's `port_value`); 0 is the host's own. */
  readonly port: number;
  /** Address in the place of the host's; '' is the host's own. */
  readonly ip: string;
  readonly transport?: TransportOptions | undefined;
  /** Metadata that choose the transport in the place of the host's (`transport_socket_match_criteria`). */
  readonly transportMatch?: Readonly<Record<string, unknown>> | undefined;
}
