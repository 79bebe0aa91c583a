/** Clusters whose hosts are played by the test: for network filters that ask for TCP connections. */
import type {
  Host,
  PickContext,
  RuntimeFraction,
  StatsScope,
  TcpLink,
  TcpUser,
  TlsInfo,
  TransportOptions,
  TransportPolicy,
  UpstreamCluster,
  UpstreamFailure,
  UpstreamTicket,
} from '@mesh/core';
import { Connection, type ConnectionHandler, clusterStats, type StatsStore } from '@mesh/core/engine';
import { until } from '../signal.ts';
import { FakeSocket, FarEnd } from './fake-socket.ts';

/** What a host does with a connection: `wait` leaves it to the test (`HostUnderTest.accept`, `.refuse`). */
export type ConnectOutcome = 'accept' | 'wait' | UpstreamFailure['reason'];

/** One cluster for {@link testNetworkFilter}. */
export interface ScriptedClusterOptions {
  /** `ip:port` of its hosts, taken in turn. Default one, `10.0.0.1:80`; an empty list is a cluster without healthy hosts. */
  readonly hosts?: readonly string[];
  /** What becomes of the first connection, the second one, …; the last entry is for all that follow. Default accept. */
  readonly connects?: readonly ConnectOutcome[];
  /** Bytes that may wait to be sent to a host before its source is to stop. Default 1 MiB. */
  readonly bufferLimitBytes?: number;
  /** Its hosts are told of the client's connection (`HostUnderTest.options`), as by a PROXY protocol. Default false. */
  readonly proxied?: boolean;
}

const ALWAYS: RuntimeFraction = { numerator: 0, denominator: 100, runtimeKey: '' };

/** A cluster of which the test has every connection. */
export class ScriptedCluster implements UpstreamCluster {
  readonly name: string;
  readonly traffic: UpstreamCluster['traffic'];
  readonly maxStreamDurationMs = 0;
  readonly maintenance = ALWAYS;
  readonly transportPolicy: TransportPolicy | undefined;
  /** The contexts that hosts were asked for with. */
  readonly picks: PickContext[] = [];
  /** Every connection that was asked for. */
  readonly hosts: HostUnderTest[] = [];
  private readonly endpoints: readonly Host[];
  private readonly connects: readonly ConnectOutcome[];
  private readonly limit: number;

  /** @internal */
  constructor(name: string, options: ScriptedClusterOptions, scope: ReturnType<StatsStore['scope']>) {
    this.name = name;
    this.traffic = clusterStats(scope.scope(`cluster.${name}.`));
    this.endpoints = (options.hosts ?? ['10.0.0.1:80']).map(endpoint);
    this.connects = options.connects ?? ['accept'];
    const policy = { autoSni: false, autoSanValidation: false, header: '', proxied: true };
    this.transportPolicy = options.proxied === true ? policy : undefined;
    this.limit = options.bufferLimitBytes ?? 1024 * 1024;
  }

  /** Connection number `index`, as soon as it has been asked for. */
  async host(index = 0): Promise<HostUnderTest> {
    await until(() => this.hosts.length > index, `connection ${index} to ${this.name}`);
    return this.hosts[index] as HostUnderTest;
  }

  pick(context: PickContext): Host | undefined {
    this.picks.push(context);
    return this.endpoints[(this.picks.length - 1) % this.endpoints.length];
  }

  connectTcp(host: Host, user: TcpUser, options?: TransportOptions): UpstreamTicket {
    const outcome = this.connects[Math.min(this.hosts.length, this.connects.length - 1)] ?? 'accept';
    const link = new ScriptedLink(host, user, this.limit);
    const end = new HostUnderTest(link, host, options);
    this.hosts.push(end);
    if (outcome !== 'wait') queueMicrotask(() => void (outcome === 'accept' ? end.accept() : end.refuse(outcome)));
    return link;
  }

  open(): never {
    throw new Error(`the test kit has no HTTP upstream for network filters (cluster ${this.name})`);
  }
  openTcp(): never {
    throw new Error(`the test kit has no HTTP upstream for network filters (cluster ${this.name})`);
  }
  beginRetry(): boolean {
    return true;
  }
  endRetry(): void {}
  random(): number {
    return 0.5;
  }
  chargeStatus(): void {}
  chargeRetried(): void {}
  chargeCanary(): void {}
  chargeAlt(): void {}
  chargeTime(): void {}
}

/** A host's end of a connection. */
export class HostUnderTest extends FarEnd {
  /** The host that was chosen. */
  readonly host: Host;
  /** What was asked of the transport: server name, ALPN, PROXY protocol. */
  readonly options: TransportOptions | undefined;
  private readonly link: ScriptedLink;

  /** @internal */
  constructor(link: ScriptedLink, host: Host, options: TransportOptions | undefined) {
    super(link.fake);
    this.link = link;
    this.host = host;
    this.options = options;
  }

  /** `waiting` until it was accepted or refused; `cancelled` when the filter has given up first. */
  get connect(): 'waiting' | 'accepted' | 'refused' | 'cancelled' {
    return this.link.connect;
  }

  /** Accepts the connection, unless the filter has given it up. */
  accept(): void {
    this.link.accept();
  }

  /** Refuses the connection, unless the filter has given it up. */
  refuse(reason: UpstreamFailure['reason'] = 'remote connection failure', detail?: string): void {
    this.link.refuse({ reason, detail, reused: false, responseStarted: false, requestSent: false });
  }
}

/** The filter's end: the contract of `TcpLink` over a real `Connection`. */
class ScriptedLink implements TcpLink, UpstreamTicket, ConnectionHandler {
  readonly localAddress = '10.0.0.9:49152';
  readonly tls: TlsInfo | undefined = undefined;
  readonly fake: FakeSocket;
  connect: HostUnderTest['connect'] = 'waiting';
  private readonly host: Host;
  private readonly user: TcpUser;
  private readonly connection: Connection;

  constructor(host: Host, user: TcpUser, bufferLimitBytes: number) {
    this.host = host;
    this.user = user;
    const { ip: remoteAddress, port: remotePort } = host;
    this.fake = new FakeSocket({ remoteAddress, remotePort, localAddress: '10.0.0.9', localPort: 49_152 });
    this.fake.pause();
    this.connection = connectionOver(this.fake, this, bufferLimitBytes);
  }

  accept(): void {
    if (this.connect !== 'waiting') return;
    this.connect = 'accepted';
    this.fake.resume();
    this.user.onConnected(this, this.host);
  }

  refuse(failure: UpstreamFailure): void {
    if (this.connect !== 'waiting') return;
    this.connect = 'refused';
    this.connection.destroy();
    this.user.onFailure(failure, this.host);
  }

  cancel(): void {
    if (this.connect !== 'waiting') return;
    this.connect = 'cancelled';
    this.connection.destroy();
  }

  get bytesRead(): number {
    return this.connection.bytesRead;
  }
  get bytesWritten(): number {
    return this.connection.bytesWritten;
  }
  get bytesUnsent(): number {
    return this.connection.bytesUnsent;
  }
  write(chunk: Uint8Array, owned: boolean): void {
    this.connection.addBytes(chunk, owned);
  }
  flush(): boolean {
    return this.connection.flush();
  }
  end(): void {
    this.connection.end();
  }
  pauseReading(): void {
    this.connection.pauseReading();
  }
  resumeReading(): void {
    this.connection.resumeReading();
  }
  close(how: 'flush' | 'now' | 'reset'): void {
    if (how === 'flush') this.connection.finish();
    else if (how === 'reset') this.connection.reset();
    else this.connection.destroy();
  }

  onBytes(chunk: Buffer, owned: boolean): void {
    this.user.onBytes(chunk, owned);
  }
  onEnd(): void {
    this.user.onEnd();
  }
  onWritable(): void {
    this.user.onWritable();
  }
  onClose(error: Error | undefined): void {
    if (this.connect === 'accepted') this.user.onClose(error);
  }
}

/** A real connection whose socket is `fake`. Chunks are gone after the call: whoever keeps one uncopied is found out. */
export function connectionOver(fake: FakeSocket, handler: ConnectionHandler, bufferLimitBytes: number): Connection {
  const connection = Connection.accept(fake.asSocket, handler, bufferLimitBytes, fake.asSocket);
  fake.deliver = (chunk) => {
    connection.read(chunk, false);
    chunk.fill(0xdd);
  };
  return connection;
}

function endpoint(address: string): Host {
  const at = address.lastIndexOf(':');
  const ip = address.slice(0, at);
  return {
    address,
    ip,
    port: Number(address.slice(at + 1)),
    hostname: '',
    weight: 1,
    locality: { region: '', zone: '', subZone: '' },
    priority: 0,
    health: 'healthy',
    healthFlags: 0,
    healthy: true,
    addedMs: 0,
    recoveredMs: undefined,
    stats: {
      cxActive: 0,
      cxConnectFail: 0,
      cxTotal: 0,
      rqActive: 0,
      rqError: 0,
      rqSuccess: 0,
      rqTimeout: 0,
      rqTotal: 0,
    },
  };
}

/** The clusters of a test by name. */
export class ScriptedClusters {
  private readonly byName = new Map<string, ScriptedCluster>();

  constructor(clusters: Readonly<Record<string, ScriptedClusterOptions>>, scope: StatsScope) {
    for (const [name, options] of Object.entries(clusters)) {
      this.byName.set(name, new ScriptedCluster(name, options, scope as ReturnType<StatsStore['scope']>));
    }
  }

  get(name: string): ScriptedCluster | undefined {
    return this.byName.get(name);
  }
}
