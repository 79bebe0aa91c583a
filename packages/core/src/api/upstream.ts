/** Where the HTTP engine and the upstream side meet: a terminal filter opens streams on clusters through these. */
import type { Host, HostSets } from './cluster.ts';
import type { RequestWriter, ResponseSink, UpstreamFailure } from './codec.ts';
import type { HostNames } from './host-names.ts';
import type { PickContext } from './load-balancer.ts';
import type { RuntimeFraction } from './runtime.ts';
import type { Counter } from './stats.ts';
import type { TlsInfo } from './tls.ts';

/** Looks clusters up by name. A request reads a cluster once and keeps it. */
export interface Clusters {
  get(name: string): UpstreamCluster | undefined;
  /**
   * Calls `changed` with the name of every cluster that has come, gone or been replaced; `get` answers accordingly by
   * then. Returns what ends that. Absent where the clusters never change.
   */
  watch?(changed: (name: string) => void): () => void;
  /** The names of a cluster whose DNS cache is called so; `undefined` when there is none. Absent where no cluster has any. */
  namesOf?(cacheName: string): HostNames | undefined;
}

/** Routing priority: each has its own circuit breakers and, per host, its own connections. */
export type Priority = 'default' | 'high';

/** What requests ask of the connections of a cluster (`upstream_http_protocol_options`, PROXY protocol). */
export interface TransportPolicy {
  /** SNI is the host of the request. */
  readonly autoSni: boolean;
  /** The upstream's certificate must be for the host of the request. */
  readonly autoSanValidation: boolean;
  /** Field that names the host in the place of the authority, when a request has it; '' is none. */
  readonly header: string;
  /** The host is told about the client's connection. */
  readonly proxied: boolean;
  /** The requests of each client's connection have connections of their own. Default false. */
  readonly dedicated?: boolean;
}

/** One cluster, open for streams. */
export interface UpstreamCluster {
  readonly name: string;
  /** The name that statistics and spans have it under (`alt_stat_name`). Default `name`. */
  readonly observabilityName?: string;
  /** `metadata.filter_metadata`; absent when it has none. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly traffic: UpstreamTraffic;
  /** Limit of one attempt, from the moment its connection is there; 0 is none (`max_stream_duration`). */
  readonly maxStreamDurationMs: number;
  /** The share of requests that is refused at once (runtime `upstream.maintenance_mode.<cluster>`). Default 0. */
  readonly maintenance: RuntimeFraction;
  /** The share of requests, 0 to 1, that is refused at once (`drop_overloads`). Absent is none. */
  readonly dropShare?: number;
  /** `undefined` when requests ask nothing of their connections: they share them all. */
  readonly transportPolicy: TransportPolicy | undefined;
  /** Its hosts as they are now, for clusters that are made of others. Absent in stand-ins. */
  readonly sets?: HostSets;
  /** Finds hosts by the names that requests ask for; `undefined` for clusters that know their hosts. */
  readonly names?: HostNames | undefined;
  /** Calls `changed` with every new snapshot of its hosts; returns what ends that. Absent in stand-ins. */
  watch?(changed: () => void): () => void;
  /** The next host by the cluster's policy; `undefined` when no host is healthy. */
  pick(context: PickContext): Host | undefined;
  /**
   * One answer of the cluster's policy, not counted and not asked again: for clusters that are made of others, which hand
   * out its hosts as their own. Absent in stand-ins.
   */
  choose?(context: PickContext, reselection: number): Host | undefined;
  /**
   * Asks `host` for a stream. The answer comes through `request`: `onReady` (possibly before this returns) or
   * `onFailure`. The returned ticket cancels a request that still waits for a connection. Default priority `default`.
   */
  open(host: Host, request: UpstreamRequest, priority?: Priority): UpstreamTicket | undefined;
  /**
   * As `open`, for a request whose payload goes to `host` as plain TCP (Envoy `connect_config`): its head is not sent, and
   * a 200 head stands for the connection. Each has a connection of its own.
   */
  openTcp(host: Host, request: UpstreamRequest, priority?: Priority): UpstreamTicket | undefined;
  /**
   * Asks `host` for a TCP connection of its own (Envoy's TCP connection pool). The answer comes through `user`:
   * `onConnected` or `onFailure`, never before this returns. The ticket gives up a connection that is not there yet.
   */
  connectTcp(host: Host, user: TcpUser, options?: TransportOptions): UpstreamTicket | undefined;
  /** Takes one of the retries that the circuit breaker (or retry budget) allows; false when there is none left. */
  beginRetry(priority: Priority): boolean;
  /** Gives back what a `beginRetry` that answered true has taken. */
  endRetry(priority: Priority): void;
  /** A fresh number in [0, 1) from the proxy's source of chance: jitter of back-offs. */
  random(): number;
  /** Counts a response head (or the local reply in its place) by code and class, once more as internal or external. */
  chargeStatus(host: Host | undefined, status: number, internal: boolean): void;
  /** Counts a response that is discarded because the request is tried again: `retry.upstream_rq_<code>`. */
  chargeRetried(status: number): void;
  /** Counts a response of a canary: `canary.upstream_rq_<code>`. */
  chargeCanary(status: number): void;
  /** Histograms that the cluster is asked for (`track_cluster_stats`). */
  readonly tracking?: ClusterTracking | undefined;
  /** Counts how long the exchange of a canary took: `canary.upstream_rq_time`. */
  chargeCanaryTime?(durationMs: number): void;
  /** Counts once more below `<name>.`, which a request chose (`x-envoy-upstream-alt-stat-name`). */
  chargeAlt(name: string, status: number, internal: boolean): void;
  /** Responses are counted by zones as well: the proxy knows its own. */
  readonly zoned?: boolean;
  /** Counts a response once more below `zone.<own>.<the host's>.`; worth asking when `zoned`. */
  chargeZone?(host: Host, status: number): void;
  /** Counts a finished exchange as `chargeZone` does. */
  chargeZoneTime?(host: Host, durationMs: number): void;
  /** Counts a finished exchange: `upstream_rq_time`. */
  chargeTime(durationMs: number, internal: boolean): void;
}

type Histograms<Names extends string> = Readonly<Record<Names, { record(value: number): void }>>;

/** The histograms of `track_cluster_stats`, by Envoy's names. */
export interface ClusterTracking {
  /** Bytes, and numbers of fields. */
  readonly sizes: Histograms<`upstream_${'rq' | 'rs'}_${'body_size' | 'headers_size' | 'headers_count'}`> | undefined;
  /** Percent of the timeout. */
  readonly budgets: Histograms<`upstream_rq_timeout_budget_${'percent_used' | 'per_try_percent_used'}`> | undefined;
}

/** The side that asked for a stream; it receives the response as well. */
export interface UpstreamRequest extends ResponseSink {
  /** Wants a connection that nobody has waited with before: the last one had gone stale in the pool. Default false. */
  readonly freshConnection?: boolean;
  /** The client speaks HTTP/2: decides the protocol where the cluster says `use_downstream_protocol_config`. */
  readonly downstreamHttp2?: boolean;
  /** What the request asks of its connection; requests that ask for different things share none. */
  readonly transport?: TransportOptions | undefined;
  /** A connection is there: write the request now. `http2`: others share it. */
  onReady(writer: RequestWriter, host: Host, connectionReused: boolean, http2?: boolean): void;
  /** No stream can be had: connect failure, timeout, or a circuit breaker is open (`overflow`). */
  onFailure(failure: UpstreamFailure, host: Host): void;
}

/** What a request, or a TCP connection, asks of the upstream connection that serves it. */
export interface TransportOptions {
  /** SNI in the place of the cluster's (`auto_sni`, `auto_host_sni`). */
  readonly serverName?: string | undefined;
  /** Names of which the upstream's certificate must have one (`auto_san_validation`, `auto_sni_san_validation`). */
  readonly subjectAltNames?: readonly string[] | undefined;
  /** Protocols to offer by ALPN in the place of the cluster's. */
  readonly applicationProtocols?: readonly string[] | undefined;
  /** Protocols to offer by ALPN when neither the cluster nor `applicationProtocols` names any. */
  readonly fallbackProtocols?: readonly string[] | undefined;
  /** Whose connection is carried on, for a PROXY protocol header. Such a connection serves nobody else. */
  readonly proxied?: ProxiedConnection | undefined;
  /** Id of the client's connection whose requests alone may share the connection. */
  readonly dedicatedTo?: number | undefined;
}

/** The client's connection as a PROXY protocol header tells of it. */
export interface ProxiedConnection {
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly localIp: string;
  readonly localPort: number;
  /** Type-length-value entries of version 2. */
  readonly tlvs?: readonly { readonly type: number; readonly value: Uint8Array }[] | undefined;
}

/** An upstream connection, for formats and logs. */
export interface UpstreamConnection {
  /** Unique within the process. */
  readonly id: number;
  /** Address of this side; '' for unix sockets. */
  readonly localIp: string;
  readonly localPort: number;
  /** Facts of the handshake; `undefined` without TLS. */
  readonly tls: TlsInfo | undefined;
}

/** Who asked for a TCP connection. */
export interface TcpUser {
  onConnected(link: TcpLink, host: Host): void;
  /**
   * No connection can be had: connect failure, timeout, or the cluster has as many connections as it may (`overflow`).
   * Too many connections on their way are a `local connection failure`, as in Envoy.
   */
  onFailure(failure: UpstreamFailure, host: Host): void;
  /** The chunk is valid until the call returns, unless it is `owned`. */
  onBytes(chunk: Uint8Array, owned: boolean): void;
  /** The host will send no more; writing still works. */
  onEnd(): void;
  /** The socket accepts bytes again after `flush` returned false. */
  onWritable(): void;
  /** The connection is gone, in whatever way; the last call. `error` is absent when both sides ended it in order. */
  onClose(error: Error | undefined): void;
}

/** An established TCP connection to a host. */
export interface TcpLink {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Bytes written that the kernel has not taken yet. */
  readonly bytesUnsent: number;
  /** `ip:port` of this side. */
  readonly localAddress: string;
  readonly tls: TlsInfo | undefined;
  write(chunk: Uint8Array, owned: boolean): void;
  /** Sends what is queued; false means: stop the source until `onWritable`. */
  flush(): boolean;
  /** Sends what was written, then FIN; reading goes on. */
  end(): void;
  /** Counted: each pause needs its resume. */
  pauseReading(): void;
  resumeReading(): void;
  /** Ends both directions; `flush` sends what was written first, `reset` tells the host that something was lost. */
  close(how: 'flush' | 'now' | 'reset'): void;
}

/** A place in the queue for a connection. */
export interface UpstreamTicket {
  /** Leaves the queue; no callback follows. */
  cancel(): void;
}

/** Cluster metrics that a terminal filter charges, under Envoy's names. */
export interface UpstreamTraffic {
  readonly retry_or_shadow_abandoned: Counter;
  readonly upstream_internal_redirect_failed_total: Counter;
  readonly upstream_internal_redirect_succeeded_total: Counter;
  readonly upstream_rq_maintenance_mode: Counter;
  readonly upstream_rq_max_duration_reached: Counter;
  readonly upstream_rq_per_try_idle_timeout: Counter;
  readonly upstream_rq_per_try_timeout: Counter;
  readonly upstream_rq_timeout: Counter;
  readonly upstream_rq_retry: Counter;
  readonly upstream_rq_retry_backoff_exponential: Counter;
  readonly upstream_rq_retry_backoff_ratelimited: Counter;
  readonly upstream_rq_retry_limit_exceeded: Counter;
  readonly upstream_rq_retry_overflow: Counter;
  readonly upstream_rq_retry_success: Counter;
  readonly upstream_rq_rx_reset: Counter;
  readonly upstream_rq_tx_reset: Counter;
  readonly upstream_cx_connect_attempts_exceeded: Counter;
  readonly upstream_flow_control_backed_up_total: Counter;
  readonly upstream_flow_control_paused_reading_total: Counter;
  readonly upstream_flow_control_resumed_reading_total: Counter;
  readonly upstream_flow_control_drained_total: Counter;
}
