/** Traffic through a `mesh` process whose only cluster is found by DNS, while the DNS does what a scenario says. */
import { readFileSync } from 'node:fs';
import { type DnsBehaviour, type DnsServer, startDnsServer } from '@mesh/testing';
import { MeshProcess } from '../mesh-process/index.ts';
import { get } from '../reliability/client.ts';
import { type LoadReport, pace, quantile, runLoad } from '../reliability/load.ts';
import { Fleet, type FleetReport } from './fleet.ts';

const NAME = 'fleet.test';
const CONNECTIONS = 24;
/** How often resident memory is looked at. */
const SAMPLES = 24;

/** The DNS at one moment: another generation of hosts, or a way to fail. */
export type Step = 'replace' | Exclude<DnsBehaviour, object> | 'empty';

/** What a run is made of. */
export interface Scenario {
  readonly hosts: number;
  /** How long hosts live on when it could be seen that the DNS no longer has them. */
  readonly graceMs: number;
  readonly ratePerS: number;
  readonly forMs: number;
  /** Steps in turn, again and again. */
  readonly steps: readonly { readonly step: Step; readonly forMs: number }[];
}

/** What came of a run. */
export interface RunReport {
  readonly load: LoadReport;
  readonly fleet: FleetReport;
  /** Sets of hosts that the DNS has had. */
  readonly generations: number;
  readonly questions: number;
  /** Of the process, in bytes, at even distances. */
  readonly resident: readonly number[];
  /** `cluster.fleet.` of the process after the run. */
  readonly stats: Readonly<Record<string, number>>;
}

/** Runs the scenario from a fresh process to its end. */
export async function runScenario(scenario: Scenario): Promise<RunReport> {
  const [fleet, dns] = await Promise.all([
    Fleet.start({ size: scenario.hosts, graceMs: scenario.graceMs }),
    startDnsServer(),
  ]);
  dns.answer(NAME, fleet.addresses());
  const mesh = await MeshProcess.start(configOf(fleet.port, dns.port));
  try {
    const stop = playDns(scenario, fleet, dns);
    const resident: number[] = [];
    const sampling = setInterval(() => resident.push(residentOf(mesh.pid)), scenario.forMs / SAMPLES);
    const load = await runTraffic(scenario, mesh.port);
    clearInterval(sampling);
    stop();
    const stats = await statsOf(mesh);
    return {
      load,
      fleet: fleet.report(),
      generations: fleet.generation + 1,
      questions: dns.questions.length,
      resident,
      stats,
    };
  } finally {
    await mesh.stop();
    await dns.close();
    fleet.close();
  }
}

function runTraffic({ ratePerS, forMs }: Scenario, port: number): Promise<LoadReport> {
  const endMs = performance.now() + forMs;
  const request = get('/');
  return runLoad({
    port,
    connections: CONNECTIONS,
    pause: pace(ratePerS),
    next: () => (performance.now() < endMs ? request : undefined),
    judge: ({ status }) => (status === 200 ? undefined : `status ${status}`),
  });
}

/** Moves the DNS from step to step, and tells the fleet when an answer has given away that hosts are gone. */
function playDns({ steps }: Scenario, fleet: Fleet, dns: DnsServer): () => void {
  let index = 0;
  let timer: NodeJS.Timeout | undefined;
  const play = (): void => {
    const { step, forMs } = steps[index++ % steps.length] as Scenario['steps'][number];
    dns.answer(NAME, behaviourOf(step, fleet));
    timer = setTimeout(play, forMs);
  };
  dns.onAnswer = ({ name }, behaviour) => {
    if (name === NAME && Array.isArray(behaviour) && behaviour.length > 0) fleet.seen();
  };
  play();
  return () => clearTimeout(timer);
}

function behaviourOf(step: Step, fleet: Fleet): DnsBehaviour {
  if (step === 'replace') return fleet.next();
  return step === 'empty' ? [] : step;
}

function configOf(fleetPort: number, dnsPort: number): string {
  const loopback = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
  const resolver = {
    '@type': 'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
    resolvers: [loopback(dnsPort)],
    dns_resolver_options: { no_default_search_domain: true },
    edns0_max_payload_size: 4096,
    query_timeout_seconds: 1,
    query_tries: 1,
  };
  const endpoint = { address: { socket_address: { address: NAME, port_value: fleetPort } } };
  const fleet = {
    name: 'fleet',
    type: 'STRICT_DNS',
    dns_lookup_family: 'V4_ONLY',
    dns_refresh_rate: '0.05s',
    typed_dns_resolver_config: { name: 'envoy.network.dns_resolver.cares', typed_config: resolver },
    load_assignment: { cluster_name: 'fleet', endpoints: [{ lb_endpoints: [{ endpoint }] }] },
  };
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'in',
    route_config: {
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'fleet' } }] },
      ],
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  };
  const filters = [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }];
  return JSON.stringify({
    admin: { address: loopback(0) },
    static_resources: {
      listeners: [{ name: 'in', address: loopback(0), filter_chains: [{ filters }] }],
      clusters: [fleet],
    },
  });
}

async function statsOf(mesh: MeshProcess): Promise<Record<string, number>> {
  const lines = (await mesh.page('/stats?filter=^cluster.fleet.')).trim().split('\n');
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [name = '', value = ''] = line.split(': ');
      return Number.isNaN(Number(value)) ? [] : [[name.replace('cluster.fleet.', ''), Number(value)]];
    }),
  );
}

function residentOf(pid: number): number {
  const pages = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1];
  return Number(pages) * 4096;
}

/** The figures of a run, for people. */
export function figures({ load, fleet, generations, questions, resident, stats }: RunReport): string {
  const mib = resident.map((bytes) => Math.round(bytes / 2 ** 20)).join(' ');
  return [
    `requests    ${load.times.length} whole; not: ${JSON.stringify({ ...load.lost, ...load.refused })}`,
    `times       median ${quantile(load, 0.5).toFixed(1)} ms, p99 ${quantile(load, 0.99).toFixed(1)} ms, most ${load.times.at(-1)?.toFixed(1)} ms`,
    `hosts       ${fleet.used} used of ${generations} sets; ${questions} DNS questions`,
    `last calls  ${fleet.latestMs.toFixed(0)} ms after an end could be seen; late ${fleet.late.length}, connections left ${fleet.leftOpen}`,
    `connections ${stats.upstream_cx_total}; membership changes ${stats.membership_change}; failed updates ${stats.update_failure}`,
    `resident    ${mib} MiB`,
  ].join('\n');
}
