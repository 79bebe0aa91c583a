/** Runs network filters without sockets: a client in front, scripted hosts behind, virtual time. */
import type { ConfiguredNetworkFilter, Extension, NetworkConnection, Runtime, TlsInfo } from '@mesh/core';
import {
  type Connection,
  FilteredConnection,
  type NetworkPlan,
  NO_RUNTIME,
  networkPlan,
  type PlannedNetworkFilter,
  StatsStore,
  TimerWheel,
} from '@mesh/core/engine';
import { turn, VirtualClock } from '../clock.ts';
import { fromConfig, type YamlFilter } from '../filter/filter-config.ts';
import { type LogLine, statValue } from '../filter/test-filter.ts';
import { FakeSocket, FarEnd } from './fake-socket.ts';
import {
  connectionOver,
  type ScriptedCluster,
  type ScriptedClusterOptions,
  ScriptedClusters,
} from './scripted-cluster.ts';

/** A network filter as code makes it, or as YAML names it (`{ name, typedConfig }`, with `extensions`). */
export type NetworkFilterUnderTest = ConfiguredNetworkFilter | YamlFilter;

/** Options of {@link testNetworkFilter}. */
export interface TestNetworkFilterOptions {
  /** Definitions that `{ name, typedConfig }` entries are looked up in. */
  readonly extensions?: readonly Extension[];
  /** The clusters that filters can ask for connections, by name; `{}` is one host that accepts. */
  readonly clusters?: Readonly<Record<string, ScriptedClusterOptions>>;
  /** Bytes that may wait for the client before `write` answers false. Default 1 MiB. */
  readonly bufferLimitBytes?: number;
  /** Default: no runtime layer has any key. */
  readonly runtime?: Runtime;
  /** Every random number that filters draw. Default 0.5. */
  readonly random?: () => number;
  readonly listener?: { readonly name?: string; readonly direction?: 'UNSPECIFIED' | 'INBOUND' | 'OUTBOUND' };
}

/** Facts of a connection; what is left out is `192.0.2.1:40000` to `192.0.2.9:443`, without TLS. */
export interface ConnectOptions {
  readonly remoteIp?: string;
  readonly remotePort?: number;
  readonly localIp?: string;
  readonly localPort?: number;
  readonly directRemoteIp?: string;
  readonly serverName?: string;
  readonly tls?: TlsInfo;
  /** What listener filters would have found. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly filterState?: Readonly<Record<string, unknown>>;
}

/** What came out behind the last filter, in a chain without a terminal one. */
class Passage {
  bytes = Buffer.alloc(0);
  connected = false;
  end = false;
}

/** The client's end of a connection under test. */
export class ClientUnderTest extends FarEnd {
  /** The connection as the filters see it. */
  readonly connection: NetworkConnection;
  private readonly filtered: FilteredConnection;
  private readonly passage: Passage;

  /** @internal */
  constructor(socket: FakeSocket, filtered: FilteredConnection, passage: Passage) {
    super(socket);
    this.connection = filtered;
    this.filtered = filtered;
    this.passage = passage;
  }

  /** Bytes that have been read and wait until a filter that answered `STOP` goes on. */
  get held(): number {
    return this.filtered.bytesHeld;
  }

  /** Every filter has let the connection pass; for chains without a terminal filter, as are the next three. */
  get admitted(): boolean {
    return this.passage.connected;
  }

  /** What came out behind the last filter, as UTF-8. */
  get passed(): string {
    return this.passage.bytes.toString();
  }

  /** The client's FIN came out behind the last filter. */
  get passedEnd(): boolean {
    return this.passage.end;
  }

  /** Writes to the client from behind the filters, through their write hooks. */
  async answer(data: string | Uint8Array, end = false): Promise<void> {
    this.connection.write(data, end);
    await turn();
  }
}

/** Filters under test, made by {@link testNetworkFilter}; their state is shared by all its connections. */
export class NetworkFilterTest {
  readonly clock = new VirtualClock();
  /** What was logged, e.g. the failures of filters. */
  readonly logs: LogLine[] = [];
  /** The listener is being drained. */
  draining = false;
  private readonly store = new StatsStore();
  private readonly clusters: ScriptedClusters;
  private readonly plan: NetworkPlan;
  private readonly limit: number;
  private readonly passages = new WeakMap<NetworkConnection, Passage>();

  /** @internal */
  constructor(filters: readonly NetworkFilterUnderTest[], options: TestNetworkFilterOptions) {
    this.limit = options.bufferLimitBytes ?? 1024 * 1024;
    const stats = this.store.scope('');
    this.clusters = new ScriptedClusters(options.clusters ?? {}, stats);
    const configured = filters.map((filter) =>
      'definition' in filter ? filter : fromConfig('network-filter', filter, options.extensions ?? []),
    );
    const planned = this.planned(configured, options, stats);
    if (configured.at(-1)?.definition.terminal !== true) planned.push(this.sink());
    const failed = (filter: string, error: unknown) => this.log('error', filter, String(error));
    this.plan = networkPlan(planned, undefined, failed, this.clock);
  }

  private planned(
    configured: readonly ConfiguredNetworkFilter[],
    options: TestNetworkFilterOptions,
    stats: ReturnType<StatsStore['scope']>,
  ): PlannedNetworkFilter[] {
    const { name = 'test', direction = 'UNSPECIFIED' } = options.listener ?? {};
    const context = {
      stats,
      listener: { name, direction },
      clusters: this.clusters,
      timers: new TimerWheel(this.clock, (error) => this.log('error', 'timer', String(error))),
      runtime: options.runtime ?? NO_RUNTIME,
      random: options.random ?? (() => 0.5),
      draining: () => this.draining,
      accessLogs: () => undefined,
    };
    return configured.map(({ definition, config }) => {
      return { name: definition.name, filter: definition.create(config, context), newState: definition.newState };
    });
  }

  /** Stands for the terminal filter of a chain that has none, and keeps what gets there. */
  private sink(): PlannedNetworkFilter {
    const passageOf = (connection: NetworkConnection) => this.passages.get(connection) as Passage;
    return {
      name: 'mesh.testing.sink',
      newState: undefined,
      filter: {
        halfClose: true,
        onConnection: (connection) => {
          passageOf(connection).connected = true;
        },
        onData: (chunk, connection, _state, end) => {
          const passage = passageOf(connection);
          passage.bytes = Buffer.concat([passage.bytes, chunk]);
          passage.end ||= end;
        },
      },
    };
  }

  private log(level: string, component: string, message: string): void {
    this.logs.push({ level, component, message });
  }

  /** A new client connects; resolves when everything that follows at once has happened. */
  async connect(options: ConnectOptions = {}): Promise<ClientUnderTest> {
    const { remoteIp = '192.0.2.1', remotePort = 40_000, localIp = '192.0.2.9', localPort = 443 } = options;
    const fake = new FakeSocket({
      remoteAddress: options.directRemoteIp ?? remoteIp,
      remotePort,
      localAddress: localIp,
      localPort,
    });
    const connection: Connection = connectionOver(fake, NOBODY, this.limit);
    const { directRemoteIp, serverName, tls } = options;
    const metadata = new Map(Object.entries(options.metadata ?? {}));
    const filterState = new Map(Object.entries(options.filterState ?? {}));
    const peer = { remoteIp, remotePort, localIp, localPort, directRemoteIp, serverName, tls, metadata, filterState };
    const filtered = new FilteredConnection(this.plan, connection, peer);
    const passage = new Passage();
    this.passages.set(filtered, passage);
    connection.handler = filtered;
    filtered.begin();
    await turn();
    return new ClientUnderTest(fake, filtered, passage);
  }

  /** A cluster of the options. @throws Error for a name that is not among them. */
  cluster(name: string): ScriptedCluster {
    const found = this.clusters.get(name);
    if (found === undefined) throw new Error(`there is no cluster ${name} in this test`);
    return found;
  }

  /** A counter's or gauge's value by its full name. @throws Error for an unknown name. */
  stats(name: string): number {
    return statValue(this.store, name);
  }
}

const NOBODY = { onBytes: () => {}, onEnd: () => {}, onWritable: () => {}, onClose: () => {} };

/**
 * Puts a network filter, or a chain of them, under test. Behind a chain without a terminal filter everything is taken
 * and shown as `passed`; hosts are ends of connections as well, in `cluster(name).hosts`.
 *
 * @example
 * const t = testNetworkFilter(tcpProxy({ statPrefix: 'db', cluster: 'db' }), { clusters: { db: {} } });
 * const client = await t.connect();
 * const host = await t.cluster('db').host();
 * await client.send('ping');
 * expect(host.text).toBe('ping');
 * await host.reset();
 * expect(client.state).toBe('reset');
 */
export function testNetworkFilter(
  filters: NetworkFilterUnderTest | readonly NetworkFilterUnderTest[],
  options: TestNetworkFilterOptions = {},
): NetworkFilterTest {
  return new NetworkFilterTest(Array.isArray(filters) ? filters : [filters as NetworkFilterUnderTest], options);
}
