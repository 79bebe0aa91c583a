/** A host that does not answer SYN, made of a listening socket that nobody accepts from and whose backlog is full. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { clusterRig, endpoint, Get } from './fixture.ts';
import type { UpstreamHost } from './host.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** Listens with the smallest backlog, tells its port, and stands still. */
const LISTEN_AND_STALL = `
  const { createServer } = require('node:net');
  const { writeSync } = require('node:fs');
  const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;

/** A port to which connections are neither made nor refused. */
async function silentPort(): Promise<number> {
  const child: ChildProcess = spawn(process.execPath, ['-e', LISTEN_AND_STALL], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanups.push(() => child.kill('SIGKILL'));
  const [port] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const connect = () => {
    const socket = net.connect(Number(port.toString()), '127.0.0.1');
    socket.on('error', () => {});
    cleanups.push(() => socket.destroy());
    return socket;
  };
  // The kernel takes a few more than it was told to; whoever is left out waits.
  for (let full = false; !full; ) {
    const sockets = [connect(), connect(), connect(), connect()];
    await new Promise((resolve) => setTimeout(resolve, 20));
    full = sockets.some(({ connecting }) => connecting);
  }
  return Number(port.toString());
}

describe('connect_timeout', () => {
  it('gives the connection and the requests that wait for it up', async () => {
    const { cluster, wheel, stat } = clusterRig({}, { connectTimeoutMs: 60 });
    cleanups.push(
      () => wheel.close(),
      () => cluster.close(),
    );
    cluster.update([endpoint(await silentPort())]);
    const host = cluster.hosts[0] as UpstreamHost;
    const [first, second] = [new Get(), new Get()];
    const startMs = performance.now();
    cluster.open(host, first);
    cluster.open(host, second);
    expect(await first.done).toBe('failure: connection timeout');
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(60);
    expect(await second.done).toBe('failure: connection timeout');
    expect(first.failure).toMatchObject({ requestSent: false, responseStarted: false });
    expect([stat('upstream_cx_connect_timeout'), stat('upstream_cx_connect_fail')]).toEqual([2, 2]);
    expect([stat('upstream_cx_active'), stat('upstream_rq_pending_active'), host.stats.cxConnectFail]).toEqual([
      0, 0, 2,
    ]);
  });
});
