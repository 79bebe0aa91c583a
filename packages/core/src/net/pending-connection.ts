/**
 * An accepted socket whose filter chain is not known yet: the listener filters look at its first bytes. Invariant: it
 * ends exactly once, in `host.ready` or in `host.dropped`, and its timer and socket listeners end with it.
 */
import type net from 'node:net';
import type { TimerHandle } from '../api/clock.ts';
import type { ListenerAnswer, ListenerConnection } from '../api/listener-filter.ts';
import type { ChainQuery } from './chain-match.ts';
import type { ListenerPlan, PlannedListenerFilter } from './listener-plan.ts';
import { type Peer, peerOf } from './peer.ts';

/** Why a connection never got to a filter chain. */
export type DropReason = 'timeout' | 'remote close' | 'error' | 'filter' | 'local';

/** The listener, as a pending connection sees it. */
export interface PendingHost {
  /** Every filter is content: `rest` is what has arrived and belongs to the connection, `ended` that no more will. */
  ready(pending: PendingConnection, rest: Buffer, ended: boolean): void;
  /** The socket is closed. */
  dropped(pending: PendingConnection, reason: DropReason): void;
  /** The time is over; the connection is dropped next, or let through. */
  timedOut(): void;
  filterFailed(name: string, error: unknown): void;
  after(delayMs: number, callback: () => void): TimerHandle;
}

/** More than any of Envoy's filters asks for; a filter may say otherwise. */
const DEFAULT_MAX_READ_BYTES = 64 * 1024;
const MIN_STORE_BYTES = 1024;
const NOTHING = Buffer.alloc(0);
const NO_PROTOCOLS: readonly string[] = [];

export class PendingConnection implements ListenerConnection, ChainQuery {
  remoteIp: string;
  remotePort: number;
  localIp: string;
  localPort: number;
  readonly directRemoteIp: string;
  serverName = '';
  applicationProtocols: readonly string[] = NO_PROTOCOLS;
  transportProtocol = '';
  localAddressRestored = false;
  readonly metadata = new Map<string, unknown>();
  readonly filterState = new Map<string, unknown>();
  readonly socket: net.Socket;
  readonly startMs: number;
  private readonly host: PendingHost;
  private readonly plan: ListenerPlan;
  /** What has arrived and was not taken off: `store` from `from` to `to`. */
  private store: Buffer = NOTHING;
  private from = 0;
  private to = 0;
  /** Whether there is room behind `to`: not in a chunk of the socket's. */
  private owned = false;
  private ended = false;
  private over = false;
  /** The filter whose turn it is, and whether it has been told. */
  private turn = 0;
  private told = false;
  private timer: TimerHandle | undefined = undefined;

  constructor(socket: net.Socket, plan: ListenerPlan, host: PendingHost, startMs = 0) {
    const peer = peerOf(socket);
    this.remoteIp = peer.remoteIp;
    this.remotePort = peer.remotePort;
    this.localIp = peer.localIp;
    this.localPort = peer.localPort;
    this.directRemoteIp = peer.remoteIp;
    this.socket = socket;
    this.plan = plan;
    this.host = host;
    this.startMs = startMs;
  }

  /** Runs the filters as far as they go without bytes, then waits for some. */
  begin(): void {
    this.socket.on('error', ignore);
    if (this.advance()) return;
    this.socket.on('readable', this.onReadable);
    this.socket.on('end', this.onEnd);
    this.socket.on('close', this.onClose);
    const { filtersTimeoutMs } = this.plan;
    if (filtersTimeoutMs > 0) this.timer = this.host.after(filtersTimeoutMs, this.onTimeout);
  }

  /** What is known of the connection, for those who serve it. */
  get peer(): Peer {
    const { remoteIp, remotePort, localIp, localPort, directRemoteIp } = this;
    const { serverName, applicationProtocols, metadata, filterState } = this;
    return {
      remoteIp,
      remotePort,
      localIp,
      localPort,
      tls: undefined,
      directRemoteIp,
      serverName,
      applicationProtocols,
      metadata,
      filterState,
    };
  }

  /** Closes the socket: the listener ends. */
  destroy(): void {
    this.drop('local');
  }

  /** Closes the socket; as in Envoy with a reset when there are bytes that nobody has taken. */
  abandon(): void {
    // Only TCP has RST; a unix socket has no remote address either.
    if (this.to > this.from && this.socket.remoteAddress !== undefined) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  private readonly onReadable = (): void => {
    for (let chunk: Buffer | null; !this.over && (chunk = this.socket.read()) !== null; ) {
      this.append(chunk);
      this.advance();
    }
  };

  private get bytes(): Buffer {
    return this.store.subarray(this.from, this.to);
  }

  /** The store doubles, so that bytes that come one by one are not copied each time. */
  private append(chunk: Buffer): void {
    const length = this.to - this.from;
    if (length === 0) {
      this.store = chunk;
      this.owned = false;
      this.from = 0;
      this.to = chunk.length;
      return;
    }
    if (this.to + chunk.length > this.store.length || !this.owned) {
      const grown = Buffer.allocUnsafeSlow(Math.max(2 * length, length + chunk.length, MIN_STORE_BYTES));
      this.store.copy(grown, 0, this.from, this.to);
      this.store = grown;
      this.from = 0;
      this.to = length;
      this.owned = true;
    }
    this.to += chunk.copy(this.store, this.to);
  }

  private readonly onEnd = (): void => {
    if (this.over) return;
    this.ended = true;
    this.advance();
  };

  private readonly onClose = (hadError: boolean): void => this.drop(hadError ? 'error' : 'remote close');

  private readonly onTimeout = (): void => {
    this.host.timedOut();
    if (this.plan.continueOnTimeout) this.finish();
    else this.drop('timeout');
  };

  /** True when it is over. */
  private advance(): boolean {
    const { filters } = this.plan;
    while (this.turn < filters.length) {
      const planned = filters[this.turn] as PlannedListenerFilter;
      const answer = this.ask(planned);
      if (this.over) return true;
      if (answer === 'more') {
        const most = planned.filter.maxReadBytes ?? DEFAULT_MAX_READ_BYTES;
        if (this.ended) this.drop('remote close');
        else if (this.to - this.from >= most) this.drop('filter');
        return this.over;
      }
      if (answer === 'close') {
        this.drop('filter');
        return true;
      }
      if (typeof answer === 'number') this.from = Math.min(this.from + answer, this.to);
      this.turn++;
      this.told = false;
    }
    this.finish();
    return true;
  }

  private ask({ name, filter, disabled }: PlannedListenerFilter): ListenerAnswer {
    try {
      if (!this.told) {
        this.told = true;
        if (disabled?.(this)) return 'done';
        const answer = filter.onAccept === undefined ? 'more' : filter.onAccept(this);
        if (answer !== 'more') return answer;
        if (filter.onData === undefined) return 'done';
      }
      if (this.to === this.from && !this.ended) return 'more';
      return filter.onData?.(this.bytes, this, this.ended) ?? 'done';
    } catch (error) {
      this.host.filterFailed(name, error);
      this.drop('error');
      return 'close';
    }
  }

  private finish(): void {
    this.release();
    this.host.ready(this, this.bytes, this.ended);
  }

  private drop(reason: DropReason): void {
    if (this.over) return;
    this.release();
    this.abandon();
    this.host.dropped(this, reason);
  }

  private release(): void {
    this.over = true;
    this.timer?.cancel();
    this.timer = undefined;
    this.socket.removeListener('readable', this.onReadable);
    this.socket.removeListener('end', this.onEnd);
    this.socket.removeListener('close', this.onClose);
  }
}

function ignore(): void {}
