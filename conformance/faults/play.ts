/** Plays every fault against one proxy, and gathers what client, access log, statistics and trace tell of it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { answer, startUpstream, type Upstream } from '@mesh/testing';
import { clusterName, clustersOf, type Placed, upstreamsOf } from '../envoy/bootstrap.ts';
import { play, type Seen } from '../envoy/exchange.ts';
import { normalizeText } from '../envoy/normalize.ts';
import { tcpProxy } from '../envoy/pieces.ts';
import { REFUSING_PORT } from '../envoy/run.ts';
import { type Scenario, TO_A, type Yaml } from '../envoy/scenario.ts';
import type { Server } from '../envoy/server.ts';
import type { StartTarget } from '../envoy/target.ts';
import type { Fault } from './fault.ts';
import { call, tcp } from './tcp.ts';

/** What came of a fault. */
export interface Observation {
  /** Responses, or what became of the connection. */
  readonly client: readonly unknown[];
  /** Lines of the access log in {@link LOG_FORMAT}. */
  readonly log: readonly string[];
  /** Counters that a request or connection without a fault does not move, or not so far. */
  readonly stats: Readonly<Record<string, number>>;
  /** The tags of the span that tell of the fault. */
  readonly trace: readonly Readonly<Record<string, string>>[];
}

/** The format of the lines in the catalogue. */
export const LOG_FORMAT = [
  '%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG% "%REQ(:METHOD)% %REQ(:PATH)% %PROTOCOL%"',
  'details=%RESPONSE_CODE_DETAILS% termination=%CONNECTION_TERMINATION_DETAILS%',
  'transport="%UPSTREAM_TRANSPORT_FAILURE_REASON%" cluster=%UPSTREAM_CLUSTER% host=%UPSTREAM_HOST%',
  'attempts=%UPSTREAM_REQUEST_ATTEMPT_COUNT% received=%BYTES_RECEIVED% sent=%BYTES_SENT%\n',
].join(' ');

/** Tags of a span that a fault changes. */
const TAGS = ['http.status_code', 'response_flags', 'error', 'upstream_cluster.name'];

/** What moves without telling anything of the fault: amounts, ends of connections, and what is told twice. */
const TELLS_NOTHING =
  /bytes|destroy|zipkin|tracing|update_|membership|total_match_count|nghttp2|_http[12]_total|_completed|external|delayed_close|^listener/;

/** The last spans and log lines are there by then. */
const SETTLE_MS = 400;

interface Span {
  readonly tags?: Readonly<Record<string, string>>;
}

/** A request and a connection that nothing goes wrong with: what they count tells nothing. */
const CALM: readonly Scenario[] = [
  { name: 'calm', why: '', routes: [TO_A], requests: ['/'] },
  { name: 'calm-tcp', why: '', requests: [], ...tcp([tcpProxy({ cluster: '<a>' })], [call(true)]) },
];

interface Prepared extends Placed {
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly servers: ReadonlyMap<string, Server>;
}

/** Plays all of them side by side. */
export async function playAll(faults: readonly Fault[], start: StartTarget): Promise<ReadonlyMap<string, Observation>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'mesh-faults-'));
  const collector = await startCollector();
  const scenarios = [
    ...CALM,
    ...faults.map((fault): Scenario => ({ name: fault.name, why: fault.title, requests: [], ...fault.given })),
  ];
  const prepared = await Promise.all(scenarios.map((scenario) => prepare(watched(scenario, folder), collector.port)));
  try {
    const { clients, counters, ports } = await run(prepared, start);
    const calm = new Map(CALM.flatMap(({ name }) => [...countersOf(name, counters)]));
    const all = prepared.map(async (each, index): Promise<[string, Observation]> => {
      const { name } = each.scenario;
      return [
        name,
        {
          client: (clients[index] as Seen[]).flatMap((seen): readonly unknown[] =>
            'talk' in seen ? [seen.talk] : seen.responses,
          ),
          log: await linesOf(path.join(folder, `${name}.log`), replacements(each, ports[index] as number)),
          stats: moved(countersOf(name, counters), calm),
          trace: collector.spans.filter(({ tags }) => tags?.fault === name).map((span) => tagsOf(span, name)),
        },
      ];
    });
    return new Map((await Promise.all(all)).slice(CALM.length));
  } finally {
    const servers = prepared.flatMap(({ upstreams, servers }) => [...upstreams.values(), ...servers.values()]);
    await Promise.all([...servers.map((each) => each.close()), collector.close(), rm(folder, { recursive: true })]);
  }
}

/** Lets every client do what it does, and ends the proxy, which thereby writes what it has not written yet. */
async function run(prepared: readonly Prepared[], start: StartTarget) {
  const target = await start(prepared);
  try {
    const refused = [...target.refused].map(([name, why]) => `${name}: ${why}`);
    if (refused.length > 0) throw new Error(`refused:\n${refused.join('\n')}`);
    const ports = prepared.map(({ scenario }) => target.port(scenario.name));
    const playOne = (each: Prepared, index: number) => play({ ...each, port: ports[index] as number });
    // What runs for the first time takes longer than some of the timeouts that follow.
    const calm = await Promise.all(prepared.slice(0, CALM.length).map(playOne));
    const rest = await Promise.all(
      prepared.slice(CALM.length).map((each, index) => playOne(each, index + CALM.length)),
    );
    const clients = [...calm, ...rest];
    await delay(SETTLE_MS);
    return { clients, counters: await target.stats(), ports };
  } finally {
    await target.close();
  }
}

/** The scenario with an access log and a tracer. */
function watched(scenario: Scenario, folder: string): Scenario {
  const access_log = [
    {
      name: 'envoy.access_loggers.file',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
        path: path.join(folder, `${scenario.name}.log`),
        log_format: { text_format_source: { inline_string: LOG_FORMAT } },
      },
    },
  ];
  const listener = { stat_prefix: scenario.name, ...scenario.listener };
  if (scenario.listener?.filter_chains !== undefined) {
    return { ...scenario, listener: logged(scenario.name, listener, access_log) };
  }
  const typed_config = {
    '@type': 'type.googleapis.com/envoy.config.trace.v3.ZipkinConfig',
    collector_cluster: '<zipkin>',
    collector_endpoint: '/api/v2/spans',
    collector_endpoint_version: 'HTTP_JSON',
  };
  const tracing = {
    provider: { name: 'envoy.tracers.zipkin', typed_config },
    custom_tags: [{ tag: 'fault', literal: { value: scenario.name } }],
  };
  return {
    ...scenario,
    listener,

    manager: {
      delayed_close_timeout: '0.6s',
      access_log,
      tracing,
      ...scenario.manager,
    },
    clusters: { ...scenario.clusters, zipkin: { hosts: ['z'] } },
    // Each span at once.
    runtime: { ...scenario.runtime, 'tracing.zipkin.min_flush_spans': 1 },
  };
}

/** The access log of tcp_proxy, which is the last filter of the one chain. */
function logged(name: string, listener: Yaml, access_log: readonly Yaml[]): Yaml {
  const text = JSON.stringify(listener, (key, value) =>
    key === 'typed_config' && String(value['@type']).endsWith('.TcpProxy')
      ? { ...value, stat_prefix: name, access_log }
      : value,
  );
  return JSON.parse(text) as Yaml;
}

async function prepare(scenario: Scenario, collectorPort: number): Promise<Prepared> {
  const upstreams = new Map<string, Upstream>();
  const servers = new Map<string, Server>();
  const ports: Record<string, number> = { refused: REFUSING_PORT, z: collectorPort };
  for (const letter of upstreamsOf(scenario).filter((each) => each !== 'z')) {
    const start = scenario.servers?.[letter];
    const server = start === undefined ? undefined : await start(letter);
    if (server !== undefined) servers.set(letter, server);
    const upstream =
      server ??
      (await startUpstream({ behave: scenario.upstreams?.[letter] ?? answer({ body: letter }), atHead: true }));
    if (server === undefined) upstreams.set(letter, upstream as Upstream);
    ports[letter] = upstream.port;
  }
  if (!clustersOf(scenario).includes('refused')) delete ports.refused;
  return { scenario: withPorts(scenario, ports), upstreams, servers, ports };
}

/** `"<port-d>"` in the connection manager; clusters have theirs put in later. */
function withPorts(scenario: Scenario, ports: Readonly<Record<string, number>>): Scenario {
  const text = JSON.stringify(scenario.manager ?? {});
  const manager = text.replace(/"<port-([a-z])>"/g, (_all, letter: string) => String(ports[letter]));
  return { ...scenario, manager: JSON.parse(manager) as Yaml };
}

/** Takes spans as a Zipkin server does. */
async function startCollector() {
  const spans: Span[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      spans.push(...(JSON.parse(body) as Span[]));
      response.writeHead(202).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    server.close();
    server.closeAllConnections();
  };
  return { spans, port: (server.address() as AddressInfo).port, close };
}

function replacements(
  { scenario, upstreams, servers }: Prepared,
  port: number,
): (readonly [RegExp | string, string])[] {
  const hosts = [...upstreams, ...servers].map(([letter, each]) => [`127.0.0.1:${each.port}`, `<${letter}>`] as const);
  return [
    ...hosts,
    [`127.0.0.1:${REFUSING_PORT}`, '<refused>'],
    [`127.0.0.1:${port}`, '<listener>'],
    [new RegExp(`${clusterName(scenario, '')}([a-z]+)`), '<$1>'],
  ];
}

async function linesOf(file: string, known: readonly (readonly [RegExp | string, string])[]): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [normalizeText(line, known)]));
}

function tagsOf({ tags = {} }: Span, name: string): Record<string, string> {
  const told = TAGS.filter((tag) => tags[tag] !== undefined);
  return Object.fromEntries(told.map((tag) => [tag, (tags[tag] as string).replace(`${name}_`, '')]));
}

/** Its counters, by names in which `<name>` stands for stat prefix and cluster. */
function countersOf(name: string, all: ReadonlyMap<string, number>): Map<string, number> {
  const own = new Map<string, number>();
  const mine = new RegExp(`\\.${name}(_[a-y]+)?\\.`);
  for (const [full, value] of all) {
    const short = full.replace(mine, '.<name>.');
    if (short !== full && value !== 0 && !TELLS_NOTHING.test(short)) own.set(short, value);
  }
  return own;
}

function moved(own: ReadonlyMap<string, number>, calm: ReadonlyMap<string, number>): Record<string, number> {
  const different = [...own].filter(([name, value]) => (calm.get(name) ?? 0) !== value);
  return Object.fromEntries(different.sort(([a], [b]) => (a < b ? -1 : 1)));
}
