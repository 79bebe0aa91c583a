/** The access logs of a tcp_proxy: which moments of a session they are told of. */
import type { ConnectionLogs, NetworkConnection, NetworkFilterContext, TimerHandle, Timers } from '@mesh/core';
import type { TcpProxyConfig } from './config.ts';

/** What all sessions share; absent without logs. */
export class TcpLogs {
  readonly logs: ConnectionLogs;
  readonly timers: Timers;
  readonly intervalMs: number;
  readonly onStart: boolean;
  readonly onConnected: boolean;

  constructor(logs: ConnectionLogs, config: TcpProxyConfig, timers: Timers) {
    const { accessLogOptions: options, accessLogFlushIntervalMs, flushAccessLogOnConnected } = config;
    this.logs = logs;
    this.timers = timers;
    this.intervalMs = options?.accessLogFlushIntervalMs ?? accessLogFlushIntervalMs ?? 0;
    this.onStart = options?.flushAccessLogOnStart ?? false;
    this.onConnected = options?.flushAccessLogOnConnected ?? flushAccessLogOnConnected;
  }
}

/** @throws MeshError `CONFIG_INVALID` when a logger cannot be made. */
export function tcpLogs(config: TcpProxyConfig, context: NetworkFilterContext): TcpLogs | undefined {
  const logs = context.accessLogs(config.accessLog);
  return logs && new TcpLogs(logs, config, context.timers);
}

/** The entries of one session. */
export class SessionLog {
  private readonly shared: TcpLogs;
  private readonly connection: NetworkConnection;
  private next: TimerHandle | undefined = undefined;

  private readonly count: () => void;

  /** `count` brings the facts of the connection up to date. */
  constructor(shared: TcpLogs, connection: NetworkConnection, count: () => void) {
    this.shared = shared;
    this.count = count;
    this.connection = connection;
  }

  started(): void {
    const { shared, connection } = this;
    if (shared.onStart) shared.logs.log(connection, 'TcpConnectionStart');
    if (shared.intervalMs > 0) this.awaitNext();
  }

  private awaitNext(): void {
    const { shared, connection } = this;
    this.next = shared.timers.after(shared.intervalMs, () => {
      this.count();
      shared.logs.log(connection, 'TcpPeriodic');
      this.awaitNext();
    });
  }

  connected(): void {
    if (this.shared.onConnected) this.shared.logs.log(this.connection, 'TcpUpstreamConnected');
  }

  ended(): void {
    this.next?.cancel();
    this.shared.logs.log(this.connection, 'TcpConnectionEnd');
  }
}
