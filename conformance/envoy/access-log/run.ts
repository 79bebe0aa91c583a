/** Plays the scenarios against a target, all at once, and reads what was logged. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { refusedPort } from '@mesh/testing';
import type { ClusterTarget } from '../clusters/run.ts';
import type { Yaml } from '../scenario.ts';
import type { LogScenario, Visit } from './scenario.ts';
import { startUpstream } from './upstream.ts';

const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';

/** Lines of each scenario's log, by its name. */
export type LogLines = ReadonlyMap<string, readonly string[]>;

/** Starts one of the two. */
export type StartTarget = (config: Yaml, listeners: number) => Promise<ClusterTarget>;

const direct = { status: 200, body: { inline_string: 'direct' } };
const ROUTES = [
  { match: { prefix: '/timeout' }, route: { cluster: 'up', timeout: '0.2s' } },
  {
    match: { prefix: '/redirect' },
    route: { cluster: 'up', internal_redirect_policy: { redirect_response_codes: [302] } },
  },
  { match: { prefix: '/retry' }, route: { cluster: 'up', retry_policy: { retry_on: '5xx', num_retries: 2 } } },
  { match: { prefix: '/dead' }, route: { cluster: 'dead' } },
  { match: { prefix: '/nowhere' }, route: { cluster_header: 'x-cluster' } },
  { match: { prefix: '/direct' }, direct_response: direct },
  { match: { prefix: '/up' }, route: { cluster: 'up' } },
];

function listener(scenario: LogScenario): Yaml {
  const { name, listener: { '<match>': match, ...rest } = {}, filter, manager, router, httpFilters = [] } = scenario;
  const connectionManager = {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type': HCM,
      stat_prefix: name,
      ...manager,
      http_filters: [...httpFilters, { name: 'router', typed_config: { '@type': ROUTER, ...router } }],
      route_config: { virtual_hosts: [{ name: 'v', domains: ['*'], routes: ROUTES }] },
    },
  };
  const chain = {
    name: 'chain',
    filters: [filter ?? connectionManager],
    ...(match ? { filter_chain_match: match } : {}),
  };
  const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
  return { name, address, filter_chains: [chain], ...rest };
}

function cluster(name: string, port: number): Yaml {
  const endpoint = { address: { socket_address: { address: '127.0.0.1', port_value: port } } };
  const load = { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint }] }] };
  return { name, type: 'STATIC', connect_timeout: '1s', load_assignment: load };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** How long an answer may take, and how long nothing must come behind it. */
const PATIENCE_MS = 4000;
const QUIET_MS = 60;

async function visit(port: number, { send, later, forMs, reset = false }: Visit): Promise<void> {
  const socket = net.connect({ port, host: '127.0.0.1' }).on('error', () => {});
  let heardMs = 0;
  socket.on('data', () => {
    heardMs = performance.now();
  });
  let gone = false;
  socket.on('close', () => {
    gone = true;
  });
  if (send !== '') socket.write(send, 'latin1');
  if (later !== undefined) {
    await pause((forMs ?? 0) / 2);
    socket.write(later);
  }
  if (forMs !== undefined) await pause(later === undefined ? forMs : forMs / 2);
  else {
    const endMs = performance.now() + PATIENCE_MS;
    const waits = () => heardMs === 0 || performance.now() < heardMs + QUIET_MS;
    while (!gone && waits() && performance.now() < endMs) await pause(10);
  }
  if (reset) socket.resetAndDestroy();
  else socket.destroy();
  // The entry is made before the next one can be.
  await pause(60);
}

/** Plays all of them. */
export async function runLogs(scenarios: readonly LogScenario[], start: StartTarget): Promise<LogLines> {
  const folder = await mkdtemp(path.join(tmpdir(), 'conformance-log-'));
  const upstream = await startUpstream();
  const dead = await refusedPort();
  const file = (name: string) => path.join(folder, `${name}.log`);
  const listeners = scenarios.map((each) =>
    JSON.parse(JSON.stringify(listener(each)).replaceAll('<log>', file(each.name))),
  );
  const clusters = [cluster('up', upstream.port), cluster('dead', dead)];
  const admin = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } };
  const target = await start({ admin, static_resources: { listeners, clusters } }, scenarios.length);
  const lines = new Map<string, readonly string[]>();
  try {
    const play = async ({ name, visits }: LogScenario) => {
      for (const each of visits) await visit(target.port(name), each);
    };
    await Promise.all(scenarios.map(play));
    // What is still under way has its entry by then, and what is buffered is written.
    await pause(target.logDelayMs + 700);
    const ports = new Map(scenarios.map(({ name }) => [target.port(name), 'here']));
    ports.set(upstream.port, 'up').set(dead, 'dead');
    for (const { name, masks = [] } of scenarios) {
      const text = await readFile(file(name), 'utf8').catch(() => '');
      lines.set(
        name,
        text
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => masked(line, ports, masks)),
      );
    }
  } finally {
    await target.close();
    upstream.close();
    await rm(folder, { recursive: true, force: true });
  }
  return lines;
}

function masked(
  line: string,
  ports: ReadonlyMap<number, string>,
  masks: readonly (readonly [RegExp, string])[],
): string {
  let text = line.replace(/127\.0\.0\.1:(\d+)/g, (_, port: string) => `<${ports.get(Number(port)) ?? 'client'}>`);
  text = text.replace(/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g, '<id>');
  for (const [from, to] of masks) text = text.replace(from, to);
  return text;
}
