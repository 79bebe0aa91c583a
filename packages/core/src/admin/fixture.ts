/** An admin server on a port of its own, in front of a proxy that only writes down what it is asked. */
import { connect } from 'node:net';
import { afterEach } from 'vitest';
import { StatsStore } from '../stats/index.ts';
import type { AdminAddress, AdminContext, AdminLogLevel, ServerState } from './context.ts';
import { AdminServer, type AdminServerOptions } from './server.ts';

/** A proxy that writes down what the admin server asks of it. */
export class FakeProxy {
  readonly store = new StatsStore();
  readonly calls: string[] = [];
  readonly levels = new Map<string, AdminLogLevel>([
    ['admin', 'info'],
    ['http', 'info'],
  ]);
  state: ServerState = 'LIVE';
  readonly overrides: ReadonlyMap<string, string>[] = [];

  context(): AdminContext {
    const call = (name: string) => () => {
      this.calls.push(name);
    };
    return {
      stats: () => Promise.resolve(this.store),
      serverInfo: () => ({
        version: 'abc/0.1.0/Clean/RELEASE/OpenSSL',
        state: this.state,
        uptimeCurrentEpochS: 3.9,
        uptimeAllEpochsS: 4.2,
        commandLineOptions: { concurrency: 2 },
        node: { id: 'n' },
      }),
      clusters: () => [cluster('service1'), cluster('service2')],
      listeners: () => [
        { name: 'main', address: { host: '127.0.0.1', port: 8000 } },
        { name: 'six', address: { host: '::1', port: 1 }, additionalAddresses: [{ path: '/run/s' }] },
      ],
      configDump: () => ({
        bootstrap: { config: { node: { id: 'n' } }, lastUpdated: new Date(0) },
        clusters: { static: [dumped('service1'), dumped('service2')], active: [], warming: [] },
        listeners: {
          static: [dumped('main')],
          dynamic: [{ name: 'dyn', active: { ...dumped('dyn'), versionInfo: 'v1' } }],
        },
        routes: { static: [dumped('local_route')], dynamic: [] },
      }),
      drainListeners: (options) => {
        this.calls.push(`drain ${JSON.stringify(options)}`);
      },
      healthcheckFail: call('fail'),
      healthcheckOk: call('ok'),
      explain: (body) => (body.startsWith('{') ? { explanation: { asked: body } } : { problem: 'no request' }),
      quit: call('quit'),
      resetCounters: () => this.store.resetCounters(),
      reopenLogs: call('reopen'),
      logging: {
        levels: () => [...this.levels],
        setAll: (level) => {
          for (const name of this.levels.keys()) this.levels.set(name, level);
        },
        set: (name, level) => {
          this.levels.set(name, level);
          return true;
        },
      },
      runtime: {
        snapshot: () => ({ layers: ['admin'], entries: [{ key: 'k', layerValues: ['1'], finalValue: '1' }] }),
        override: (values) => this.overrides.push(values),
      },
    };
  }
}

function dumped(name: string) {
  return { config: { name, private_key: { inline_string: 'KEY' } }, lastUpdated: new Date(0) };
}

export function cluster(name: string) {
  const threshold = { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3 };
  return {
    name,
    addedViaApi: false,
    thresholds: [
      { priority: 'default' as const, ...threshold },
      { priority: 'high' as const, ...threshold },
    ],
    hosts: [
      {
        address: { host: '127.0.0.1', port: 18081 },
        hostname: '',
        healthFlags: name === 'service2' ? (['failed_active_hc', 'failed_outlier_check'] as const) : [],
        weight: 1,
        locality: { region: '', zone: 'z', subZone: '' },
        canary: false,
        priority: 0,
        stats: {
          cxActive: 1,
          cxConnectFail: 0,
          cxTotal: 1,
          rqActive: 0,
          rqError: 1,
          rqPendingActive: 0,
          rqSuccess: 7,
          rqTimeout: 0,
          rqTotal: 8,
        },
      },
    ],
  };
}

/** An answer, read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

export const open: AdminServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close(0);
});

/** Starts one; it is closed after the test. */
export async function start(options?: AdminServerOptions, proxy = new FakeProxy()) {
  const server = new AdminServer(proxy.context(), options);
  open.push(server);
  const address = await server.listen({ host: '127.0.0.1', port: 0 });
  if ('path' in address) throw new Error('expected a port');
  const call = async (method: string, path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${address.port}${path}`, { method, ...init });
    return { status: response.status, headers: response.headers, body: await response.text() };
  };
  return { proxy, server, port: address.port, call, get: (path: string) => call('GET', path) };
}

/** Sends bytes and resolves with everything that comes back until the server closes. */
export function raw(target: AdminAddress, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = 'path' in target ? connect(target.path) : connect(target.port, target.host);
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
    socket.write(bytes);
  });
}
