/** Counts the admin server's own traffic under `listener.admin.` and `http.admin.`, as Envoy does. */
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import {
  type HttpConnectionManagerStats,
  httpConnectionManagerStats,
  type ListenerHttpStats,
  type ListenerStats,
  listenerHttpStats,
  listenerStats,
  type Scope,
  type WorkerStats,
  workerStats,
} from '../stats/index.ts';

/** Metrics of one admin server. */
export class AdminMetrics {
  private readonly listener: ListenerStats;
  private readonly thread: WorkerStats;
  private readonly listenerHttp: ListenerHttpStats;
  private readonly http: HttpConnectionManagerStats;

  /** `root` is the store's root scope. */
  constructor(root: Scope) {
    this.listener = listenerStats(root.scope('listener.admin'));
    this.thread = workerStats(root.scope('listener.admin.main_thread'));
    this.listenerHttp = listenerHttpStats(root.scope('listener.admin.http.admin'));
    this.http = httpConnectionManagerStats(root.scope('http.admin'));
  }

  /** Counts the connections and requests of `server` from now on. */
  attach(server: Server): void {
    server.on('connection', (socket: Socket) => this.connection(socket));
    server.on('request', (_request, response) => this.request(response));
  }

  private connection(socket: Socket): void {
    const { http, listener, thread } = this;
    const startedMs = performance.now();
    let endedByPeer = false;
    listener.downstream_cx_total.inc();
    listener.downstream_cx_active.inc();
    listener.connections_accepted_per_socket_event.record(1);
    thread.downstream_cx_total.inc();
    thread.downstream_cx_active.inc();
    http.downstream_cx_total.inc();
    http.downstream_cx_http1_total.inc();
    http.downstream_cx_active.inc();
    http.downstream_cx_http1_active.inc();
    socket.once('end', () => {
      endedByPeer = true;
    });
    socket.once('close', (failed) => {
      const lengthMs = performance.now() - startedMs;
      listener.downstream_cx_destroy.inc();
      listener.downstream_cx_active.dec();
      thread.downstream_cx_active.dec();
      listener.downstream_cx_length_ms.record(lengthMs);
      http.downstream_cx_destroy.inc();
      if (endedByPeer || failed) http.downstream_cx_destroy_remote.inc();
      else http.downstream_cx_destroy_local.inc();
      http.downstream_cx_active.dec();
      http.downstream_cx_http1_active.dec();
      http.downstream_cx_length_ms.record(lengthMs);
      http.downstream_cx_rx_bytes_total.add(socket.bytesRead);
      http.downstream_cx_tx_bytes_total.add(socket.bytesWritten);
    });
  }

  private request(response: ServerResponse): void {
    const { http } = this;
    const startedMs = performance.now();
    http.downstream_rq_total.inc();
    http.downstream_rq_http1_total.inc();
    http.downstream_rq_active.inc();
    response.once('close', () => {
      http.downstream_rq_active.dec();
      http.downstream_rq_time.record(performance.now() - startedMs);
      if (!response.writableFinished) {
        http.downstream_rq_rx_reset.inc();
        return;
      }
      this.completed(response.statusCode);
    });
  }

  private completed(status: number): void {
    for (const stats of [this.http, this.listenerHttp]) {
      stats.downstream_rq_completed.inc();
      if (status < 200) stats.downstream_rq_1xx.inc();
      else if (status < 300) stats.downstream_rq_2xx.inc();
      else if (status < 400) stats.downstream_rq_3xx.inc();
      else if (status < 500) stats.downstream_rq_4xx.inc();
      else stats.downstream_rq_5xx.inc();
    }
  }
}
