/** Test equipment of side calls: a cluster `c`, servers of both protocols, and users that record. */
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import type { GrpcStreamUser, SideCallUser, SideResponse } from '../../api/side-calls.ts';
import { clusterRig, endpoint } from '../fixture.ts';
import type { ClusterSettings, Thresholds } from '../settings.ts';
import type { SideCallEquipment } from './parts.ts';
import { ClusterSideCalls } from './side-calls.ts';

const cleanups: (() => unknown)[] = [];

/** Ends what the tests of a file have started. */
export function cleanUp(): void {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
}

export interface RigOptions {
  readonly thresholds?: Partial<Thresholds>;
  readonly settings?: Partial<ClusterSettings>;
  readonly equipment?: SideCallEquipment;
}

/** Side calls to a cluster `c` with one host at each port. */
export function sideCallRig(ports: readonly number[], { thresholds, settings, equipment }: RigOptions = {}) {
  const made = clusterRig(thresholds, settings);
  made.cluster.update(ports.map((port) => endpoint(port)));
  cleanups.push(
    () => made.wheel.close(),
    () => made.cluster.close(),
  );
  const errors: string[] = [];
  const clusters = { get: (name: string) => (name === 'c' ? made.cluster : undefined) };
  const log = (_level: 'error', message: string) => void errors.push(message);
  return { ...made, errors, sideCalls: new ClusterSideCalls(clusters, made.wheel, { log, ...equipment }) };
}

/** A user that keeps what it is told; `done` resolves with it. */
export class Answer implements SideCallUser {
  response: SideResponse | undefined = undefined;
  readonly done: Promise<string>;
  private finish: (outcome: string) => void = () => {};
  calls = 0;

  constructor() {
    this.done = new Promise((resolve) => {
      this.finish = resolve;
    });
  }
  onResponse(response: SideResponse): void {
    this.calls++;
    this.response = response;
    this.finish(`${response.status} ${Buffer.from(response.body).toString()}`);
  }
  onFailure(failure: string, detail: string): void {
    this.calls++;
    this.finish(`${failure}: ${detail}`);
  }
}

/** A user of a gRPC stream that keeps what it is told. */
export class Listener implements GrpcStreamUser {
  readonly messages: string[] = [];
  readonly done: Promise<readonly [status: number, message: string]>;
  writable = 0;
  ended = 0;
  private finish: (end: readonly [number, string]) => void = () => {};

  constructor() {
    this.done = new Promise((resolve) => {
      this.finish = resolve;
    });
  }
  onMessage(message: Uint8Array): void {
    this.messages.push(Buffer.from(message).toString());
  }
  onWritable(): void {
    this.writable++;
  }
  onEnd(status: number, message: string): void {
    this.ended++;
    this.finish([status, message]);
  }
}

export async function http1Server(handler: http.RequestListener): Promise<number> {
  const server = http.createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

export async function http2Server(
  handler: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
): Promise<number> {
  const server = http2.createServer();
  const sessions: http2.ServerHttp2Session[] = [];
  server.on('session', (session) => void sessions.push(session.on('error', () => {})));
  server.on('stream', (stream, headers) =>
    handler(
      stream.on('error', () => {}),
      headers,
    ),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.close();
    for (const session of sessions) session.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/** Waits for something that a peer brings about. */
export async function until(check: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 5000;
  while (!check()) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A port that nobody listens on. */
export async function refusedPort(): Promise<number> {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
