/** The contract of access loggers: what they are told of an exchange or a connection, and when. */
import type { Timers } from './clock.ts';
import type { Headers, RequestHeaders, ResponseHeaders } from './headers.ts';
import type { StreamConnection, StreamInfo } from './http-stream.ts';
import type { NetworkConnection } from './network-filter.ts';
import type { Route } from './route.ts';
import type { Runtime } from './runtime.ts';
import type { Span } from './tracer.ts';
import type { Clusters } from './upstream.ts';

/** Envoy `AccessLogType`: the moment at which an entry is made. */
export type AccessLogType =
  | 'NotSet'
  | 'TcpUpstreamConnected'
  | 'TcpPeriodic'
  | 'TcpConnectionEnd'
  | 'TcpConnectionStart'
  | 'DownstreamStart'
  | 'DownstreamPeriodic'
  | 'DownstreamEnd'
  | 'UpstreamPoolReady'
  | 'UpstreamPeriodic'
  | 'UpstreamEnd'
  | 'DownstreamTunnelSuccessfullyEstablished';

/**
 * What an entry is about: an HTTP exchange, or a TCP connection, whose heads are then empty. Every `HttpStream` is one.
 * Valid during the call only.
 */
export interface LogSubject {
  /** Unique within the process. */
  readonly id: number;
  readonly requestHeaders: RequestHeaders;
  readonly responseHeaders: ResponseHeaders | undefined;
  readonly requestTrailers: Headers | undefined;
  readonly responseTrailers: Headers | undefined;
  readonly route: Route | undefined;
  readonly connection: StreamConnection;
  readonly info: StreamInfo;
  readonly clusters: Clusters;
  readonly timers: Timers;
  readonly runtime: Runtime;
  /** See `HttpStream.random`. */
  readonly random: number;
  /** The span of the exchange; absent when it has none. */
  readonly span?: Span | undefined;
}

/** One configured access log. It never blocks, never throws, and bounds what it holds back. */
export interface AccessLog {
  /** Called once per entry whose `filter` holds. Copy what is kept longer than the call. */
  log(subject: LogSubject, type: AccessLogType): void;
  /** The listener or proxy that it belongs to is gone: sends what it holds, within a second or so. */
  close?(): Promise<void> | void;
}

/** The access logs of one place in the configuration, with their filters; what an extension with an `access_log` of its own uses. */
export interface EntryLogs {
  /** Gives the entry to every log whose filter holds. Never throws. */
  log(subject: LogSubject, type: AccessLogType): void;
  /** That place is gone: the logs send what they hold. Resolves when they have. */
  close(): Promise<void>;
}

/** Likewise for network filters. */
export interface ConnectionLogs {
  log(connection: NetworkConnection, type: AccessLogType): void;
  close(): Promise<void>;
}
