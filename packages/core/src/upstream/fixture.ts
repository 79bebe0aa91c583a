/** Test equipment of the upstream side: a cluster on virtual settings, a plain server, and requests that record. */
import { once } from 'node:events';
import net from 'node:net';
import type { RequestWriter, UpstreamFailure } from '../api/codec.ts';
import type { Endpoint } from '../api/discovery.ts';
import type { Headers, ResponseHeaders } from '../api/headers.ts';
import type { UpstreamRequest } from '../api/upstream.ts';
import { cluster as clusterConfig } from '../compose.ts';
import { clusterSettings } from '../config/build.ts';
import { RequestHead } from '../headers/header-map.ts';
import { systemClock } from '../runtime/clock.ts';
import { TimerWheel } from '../runtime/timer-wheel.ts';
import { StatsStore } from '../stats/index.ts';
import { Cluster } from './cluster.ts';
import type { ClusterSettings, Thresholds } from './settings.ts';

const NOWHERE = { region: '', zone: '', subZone: '' };

export function endpoint(port: number, more: Partial<Endpoint> = {}): Endpoint {
  return { ip: '127.0.0.1', port, hostname: '', weight: 1, priority: 0, locality: NOWHERE, ...more };
}

/** A cluster `c` with its store. */
export function clusterRig(thresholds: Partial<Thresholds> = {}, more: Partial<ClusterSettings> = {}) {
  const store = new StatsStore();
  const wheel = new TimerWheel(systemClock, (error) => {
    throw error;
  });
  const base = clusterSettings(clusterConfig('c', { endpoints: [] }));
  const limits = { ...base.thresholds.default, ...thresholds };
  const settings = { ...base, ...more, thresholds: { ...base.thresholds, default: limits } };
  const cluster = new Cluster(settings, 'strict_dns', { scope: store.scope(''), wheel, random: () => 0 });
  const stat = (name: string) =>
    [...store.counters(), ...store.gauges()].find((metric) => metric.name === `cluster.c.${name}`)?.value;
  return { cluster, wheel, stat };
}

/** A server that answers each request with `respond(request text, socket)`. */
export async function server(respond: (text: string, socket: net.Socket) => void) {
  const sockets: net.Socket[] = [];
  const listener = net.createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => respond(data.toString(), socket));
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const close = () => {
    listener.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (listener.address() as net.AddressInfo).port, sockets, close };
}

export const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** A GET that writes itself when it is ready and records what comes of it. */
export class Get implements UpstreamRequest {
  readonly path: string;
  readonly done: Promise<string>;
  reused: boolean | undefined = undefined;
  failure: UpstreamFailure | undefined = undefined;
  writer: RequestWriter | undefined = undefined;
  private status = 0;
  private body = '';
  private finish: (outcome: string) => void = () => {};

  constructor(path = '/') {
    this.path = path;
    this.done = new Promise((resolve) => {
      this.finish = resolve;
    });
  }
  onReady(writer: RequestWriter, _host: unknown, reused: boolean): void {
    this.reused = reused;
    this.writer = writer;
    const head = new RequestHead();
    head.path = this.path;
    head.authority = 'c';
    writer.writeHead(head, true);
  }
  onFailure(failure: UpstreamFailure): void {
    this.failure = failure;
    this.finish(`failure: ${failure.reason}`);
  }
  onReset(failure: UpstreamFailure): void {
    this.failure = failure;
    this.finish(`reset: ${failure.reason}`);
  }
  onInterim(): void {}
  onHead(head: ResponseHeaders, end: boolean): void {
    this.status = head.status;
    if (end) this.onTrailers();
  }
  onData(chunk: Uint8Array, end: boolean): void {
    this.body += Buffer.from(chunk).toString();
    if (end) this.onTrailers();
  }
  onTrailers(_trailers?: Headers): void {
    this.finish(`${this.status} ${this.body}`);
  }
  onBatchEnd(): void {}
  onWritable(): void {}
}
