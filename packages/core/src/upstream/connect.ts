/** Makes connections to a host: from which address, over which transport, and to which of its addresses first. */
import type { TransportOptions } from '../api/upstream.ts';
import { Connection, type ConnectionHandler } from '../net/connection.ts';
import { socketPath } from '../net/unix-socket.ts';
import { TimerEntry } from '../runtime/timer-wheel.ts';
import type { UpstreamHost } from './host.ts';
import type { PoolContext } from './pool.ts';
import type { ClusterSettings, SourceAddress } from './settings.ts';

/** Head start of an address over the next one; RFC 8305's, and Envoy's, number. */
const HEAD_START_MS = 300;

/** Where a host can be reached. */
interface HostAddress {
  readonly ip: string;
  readonly port: number;
}

/** Who wants a connection. */
export interface Connecting extends ConnectionHandler {
  /** The one that may be written to from now on; `connection` is another one than the first when that was too slow. */
  onConnect(connection: Connection): void;
}

/** A connection on its way, and what ends it before it is there when it is not alone. */
interface Started {
  readonly connection: Connection;
  readonly race: AddressRace | undefined;
}

/** Starts a connection to `host` over the host's transport. A host of several addresses has them raced. */
export function startConnection(
  host: UpstreamHost,
  context: PoolContext,
  user: Connecting,
  choice: TransportOptions | undefined,
): Started {
  if (host.additionalAddresses.length > 0) {
    const race = new AddressRace(host, context, user, choice);
    return { connection: race.begin(), race };
  }
  const connection = connectTo(host, host, context, user, () => user.onConnect(connection), choice);
  return { connection, race: undefined };
}

function connectTo(
  { ip, port }: HostAddress,
  host: UpstreamHost,
  { settings }: PoolContext,
  handler: ConnectionHandler,
  onReady: () => void,
  choice: TransportOptions | undefined,
): Connection {
  const target = port < 0 ? { path: socketPath(ip) } : { host: ip, port, ...sourceFor(ip, settings) };
  const limit = settings.bufferLimitBytes;
  const { transport } = host;
  const asked = transport === undefined ? choice : withHostName(host, choice);
  const connection = Connection.connect(target, handler, limit, onReady, transport, asked);
  if (settings.tcpKeepaliveMs !== undefined) connection.socket.setKeepAlive(true, settings.tcpKeepaliveMs);
  return connection;
}

/** `upstream_bind_config`: the address of the host's family, else the first. */
function sourceFor(ip: string, { sources }: ClusterSettings): SourceAddress | undefined {
  if (sources === undefined || sources.length === 0) return undefined;
  const family = ip.includes(':') ? 6 : 4;
  return sources.find((source) => source.family === family) ?? sources[0];
}

function withHostName(host: UpstreamHost, choice: TransportOptions | undefined): TransportOptions | undefined {
  const named = host.transport?.autoHostSni === true && host.hostname !== '' && choice?.serverName === undefined;
  return named ? { ...choice, serverName: host.hostname } : choice;
}

/** The addresses of a host in the order in which they are tried (RFC 8305 4): the families take turns. */
export function addressesInTurn(host: UpstreamHost, settings: ClusterSettings): HostAddress[] {
  const { firstFamily = 0, firstCount = 1 } = settings.addressOrder ?? {};
  const all: HostAddress[] = [host, ...host.additionalAddresses];
  const first = firstFamily === 0 ? familyOf(host) : firstFamily;
  const mine = all.filter((address) => familyOf(address) === first);
  const others = all.filter((address) => familyOf(address) !== first);
  const order = mine.splice(0, firstCount);
  while (mine.length > 0 || others.length > 0) order.push(...others.splice(0, 1), ...mine.splice(0, 1));
  return order;
}

function familyOf({ ip }: HostAddress): number {
  return ip.includes(':') ? 6 : 4;
}

/**
 * One connection made of several attempts: the next address is tried when the last one has failed, or has been too slow;
 * the first that is there wins, and the others are given up. Invariant: `user.onConnect` or `user.onClose`, once.
 */
export class AddressRace extends TimerEntry {
  private readonly host: UpstreamHost;
  private readonly context: PoolContext;
  private readonly user: Connecting;
  private readonly choice: TransportOptions | undefined;
  private readonly left: HostAddress[];
  private readonly running = new Set<RaceAttempt>();

  constructor(host: UpstreamHost, context: PoolContext, user: Connecting, choice: TransportOptions | undefined) {
    super();
    this.host = host;
    this.context = context;
    this.user = user;
    this.choice = choice;
    this.left = addressesInTurn(host, context.settings);
  }

  /** Makes the first attempt, which its user has counted. */
  begin(): Connection {
    const attempt = new RaceAttempt(this);
    const address = this.left.shift() as HostAddress;
    attempt.connection = connectTo(address, this.host, this.context, attempt, () => this.won(attempt), this.choice);
    this.running.add(attempt);
    if (this.left.length > 0) this.context.wheel.arm(this, HEAD_START_MS);
    return attempt.connection;
  }

  /** The last attempt has had its time alone. */
  onDue(): void {
    this.host.stats.cxTotal++;
    this.context.stats.upstream_cx_total.value++;
    this.begin();
  }

  private won(winner: RaceAttempt): void {
    const connection = winner.connection as Connection;
    this.disarm();
    for (const { connection: slower } of this.running) {
      if (slower === undefined || slower === connection) continue;
      slower.handler = NOBODY;
      slower.destroy();
    }
    this.running.clear();
    connection.handler = this.user;
    this.user.onConnect(connection);
  }

  /** @internal */
  lost(attempt: RaceAttempt, error: Error | undefined): void {
    if (!this.running.delete(attempt)) return;
    if (this.left.length > 0) {
      this.disarm();
      this.onDue();
    } else if (this.running.size === 0) this.user.onClose(error);
  }

  /** Gives it up; `user.onClose` follows. */
  stop(): void {
    this.disarm();
    this.left.length = 0;
    for (const { connection } of [...this.running]) connection?.destroy();
  }
}

class RaceAttempt implements ConnectionHandler {
  connection: Connection | undefined = undefined;
  private readonly race: AddressRace;

  constructor(race: AddressRace) {
    this.race = race;
  }
  onBytes(): void {}
  onWritable(): void {}
  onEnd(): void {
    this.connection?.destroy();
  }
  onClose(error: Error | undefined): void {
    this.race.lost(this, error);
  }
}

const NOBODY: ConnectionHandler = { onBytes() {}, onEnd() {}, onWritable() {}, onClose() {} };
