/** What the admin server asks of the proxy. The proxy implements it; nothing here knows how. */
import type { ContextCertificates } from '../net/tls/certificate-registry.ts';
import type { StatsView } from '../stats/index.ts';
import type { MessageShape } from './field-mask.ts';

/** A JSON value on its way out. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A JSON object on its way out. */
export type JsonObject = { readonly [key: string]: Json };

/** Where something listens: an IP address and port, or a unix socket (`@name` for the abstract namespace). */
export type AdminAddress =
  | { readonly host: string; readonly port: number; readonly ipv6Only?: boolean }
  | { readonly path: string; readonly mode?: number };

/** State of the process as `/ready` and `/server_info` print it. */
export type ServerState = 'LIVE' | 'DRAINING' | 'PRE_INITIALIZING' | 'INITIALIZING';

/** The answer to `/server_info`. */
export interface ServerInfo {
  /** `<revision>/<version>/<state of the tree>/<build>/<tls library>`. */
  readonly version: string;
  readonly state: ServerState;
  readonly uptimeCurrentEpochS: number;
  readonly uptimeAllEpochsS: number;
  /** Default `disabled`. */
  readonly hotRestartVersion?: string;
  /** Printed as given; keys in snake_case. */
  readonly commandLineOptions: JsonObject;
  /** Printed as given; keys in snake_case. */
  readonly node: JsonObject;
}

/** Thresholds of one priority. */
export interface ThresholdSnapshot {
  readonly priority: 'default' | 'high';
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
}

/** A reason why a host takes no traffic, in Envoy's words for the text of `/clusters`. */
export type HealthFlag =
  | 'failed_active_hc'
  | 'failed_outlier_check'
  | 'failed_eds_health'
  | 'degraded_active_hc'
  | 'degraded_eds_health'
  | 'pending_dynamic_removal'
  | 'pending_active_hc'
  | 'excluded_via_immediate_hc_fail'
  | 'active_hc_timeout'
  | 'eds_status_draining'
  | 'degraded_outlier_detection';

/** One host of `/clusters`. */
export interface HostSnapshot {
  readonly address: AdminAddress;
  readonly hostname: string;
  /** Empty when healthy. */
  readonly healthFlags: readonly HealthFlag[];
  readonly weight: number;
  readonly locality: { readonly region: string; readonly zone: string; readonly subZone: string };
  readonly canary: boolean;
  readonly priority: number;
  /** Percent over the last outlier-detection interval; left out when there is none. */
  readonly successRate?: number;
  readonly localOriginSuccessRate?: number;
  readonly stats: HostStatsSnapshot;
}

/** Per-host counters; `/clusters` prints them by their snake_case names. */
export interface HostStatsSnapshot {
  readonly cxActive: number;
  readonly cxConnectFail: number;
  readonly cxTotal: number;
  readonly rqActive: number;
  readonly rqError: number;
  readonly rqPendingActive?: number;
  readonly rqSuccess: number;
  readonly rqTimeout: number;
  readonly rqTotal: number;
}

/** One cluster of `/clusters`. */
export interface ClusterSnapshot {
  readonly name: string;
  /** `alt_stat_name`; default the name. */
  readonly observabilityName?: string;
  readonly edsServiceName?: string;
  readonly addedViaApi: boolean;
  readonly thresholds: readonly ThresholdSnapshot[];
  /** Present when outlier detection is configured; -1 where there is no value yet. */
  readonly outlier?: {
    readonly successRateAverage: number;
    readonly successRateEjectionThreshold: number;
    readonly localOriginSuccessRateAverage: number;
    readonly localOriginSuccessRateEjectionThreshold: number;
  };
  readonly hosts: readonly HostSnapshot[];
}

/** One listener of `/listeners`; the bound address, and further ones when it has several. */
export interface ListenerSnapshot {
  readonly name: string;
  readonly address: AdminAddress;
  readonly additionalAddresses?: readonly AdminAddress[];
}

/** What one part of the proxy waits for before it is ready. */
export interface UnreadyTargets {
  readonly name: string;
  readonly targets: readonly string[];
}

/** One piece of config as it was given, before defaults. Private keys are redacted by the admin server. */
export interface DumpedConfig {
  readonly config: JsonObject;
  /** Endpoints have none. */
  readonly lastUpdated?: Date;
  /** Version of the xDS response that brought it. */
  readonly versionInfo?: string;
}

/** A listener that came over xDS, in its states. */
export interface DumpedDynamicListener {
  readonly name: string;
  readonly active?: DumpedConfig;
  readonly warming?: DumpedConfig;
  readonly draining?: DumpedConfig;
  readonly errorState?: JsonObject;
}

/** The pieces of `/config_dump`. */
export interface ConfigDump {
  readonly bootstrap: { readonly config: JsonObject; readonly lastUpdated: Date };
  readonly clusters: {
    readonly versionInfo?: string;
    readonly static: readonly DumpedConfig[];
    readonly active: readonly DumpedConfig[];
    readonly warming: readonly DumpedConfig[];
  };
  readonly listeners: {
    readonly versionInfo?: string;
    readonly static: readonly DumpedConfig[];
    readonly dynamic: readonly DumpedDynamicListener[];
  };
  readonly routes: { readonly static: readonly DumpedConfig[]; readonly dynamic: readonly DumpedConfig[] };
  /** Only when they were asked for. */
  readonly endpoints?: { readonly static: readonly DumpedConfig[]; readonly dynamic: readonly DumpedConfig[] };
  /** The fields that resources may have, for masks; without it a mask may name any field. */
  readonly shapes?: (resource: DumpedResource) => MessageShape;
}

/** What can stand in a dump, by the field that holds it. */
export type DumpedResource = 'bootstrap' | 'cluster' | 'listener' | 'route_config' | 'endpoint_config' | 'secret';

/** Arguments of `/drain_listeners`. */
export interface DrainOptions {
  /** Wait the drain period before closing. */
  readonly graceful: boolean;
  readonly inboundOnly: boolean;
  /** Drain connections but never stop the listeners. */
  readonly skipExit: boolean;
}

/** Levels of the loggers. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'] as const;

/** One level of {@link LOG_LEVELS}. */
export type AdminLogLevel = (typeof LOG_LEVELS)[number];

/** The loggers behind `/logging`. */
export interface LoggingControl {
  /** Name and level of every logger, in printing order. */
  levels(): readonly (readonly [name: string, level: AdminLogLevel])[];
  /** Sets every logger. */
  setAll(level: AdminLogLevel): void;
  /** Sets one logger; false when there is none of that name. */
  set(name: string, level: AdminLogLevel): boolean;
}

/** The layered runtime behind `/runtime`. */
export interface RuntimeControl {
  /** Layer names, lowest first, and per key its value in each layer ('' where absent) and the one in force. */
  snapshot(): {
    readonly layers: readonly string[];
    readonly entries: readonly {
      readonly key: string;
      readonly layerValues: readonly string[];
      readonly finalValue: string;
    }[];
  };
  /** Sets overrides in the admin layer ('' removes one); undefined when the config has no admin layer. */
  readonly override?: (values: ReadonlyMap<string, string>) => void;
}

/** The taps behind `/tap`. */
export interface TapsControl {
  /** Whether there is anything that waits to be tapped. */
  readonly offered: boolean;
  /**
   * Attaches to what the body of a request names. Traces end when the proxy ends the tap; whoever stops asking for them
   * detaches. They are dropped rather than waited for.
   */
  attach(body: string): { readonly problem: string } | { readonly traces: AsyncIterable<string> };
}

/** What the proxy offers to its admin server. Every method is called per request and may be slow-ish, never blocking. */
export interface AdminContext {
  /** The metrics; a promise where workers must be asked first. */
  stats(): StatsView | Promise<StatsView>;
  serverInfo(): ServerInfo;
  /** May be made one by one, as they are asked for. */
  clusters(): Iterable<ClusterSnapshot> | Promise<Iterable<ClusterSnapshot>>;
  listeners(): readonly ListenerSnapshot[];
  /** What keeps listeners from being ready, for `/init_dump`; default nothing. */
  unready?(): readonly UnreadyTargets[];
  /** The certificates of the TLS contexts in use; default none. */
  certificates?(): readonly ContextCertificates[];
  configDump(options: { readonly endpoints: boolean }): ConfigDump;
  /** Starts draining; resolves or returns as soon as the drain has begun. */
  drainListeners(options: DrainOptions): void | Promise<void>;
  /** From now on the process reports itself unhealthy and drains. */
  healthcheckFail(): void;
  /** Undoes {@link healthcheckFail}. */
  healthcheckOk(): void;
  /** What would be done with the request that a JSON text describes; `problem` when it describes none. */
  explain(body: string): { readonly explanation: object } | { readonly problem: string };
  /** Ends the process; called after the answer is written. */
  quit(): void;
  /** Sets every counter to zero, in every worker. */
  resetCounters(): void | Promise<void>;
  readonly logging: LoggingControl;
  /** Reopens access-log files. */
  reopenLogs(): void | Promise<void>;
  /** Default `process.memoryUsage()`. */
  memory?(): NodeJS.MemoryUsage;
  readonly runtime?: RuntimeControl;
  readonly taps?: TapsControl;
}
