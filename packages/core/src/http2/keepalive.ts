/** PINGs that find out whether the peer is still there (Envoy `connection_keepalive`). */
import type { RandomSource } from '../api/clock.ts';
import { TimerEntry, type TimerWheel } from '../runtime/timer-wheel.ts';
import type { Http2Keepalive } from './options.ts';

/** Who is kept alive. */
export interface Pinged {
  sendPing(): void;
  onPingTimeout(): void;
}

export class KeepAlive extends TimerEntry {
  private readonly options: Http2Keepalive;
  private readonly wheel: TimerWheel;
  private readonly random: RandomSource;
  private readonly user: Pinged;
  private awaiting = false;
  private lastReceivedMs: number;

  constructor(options: Http2Keepalive, wheel: TimerWheel, random: RandomSource, user: Pinged) {
    super();
    this.options = options;
    this.wheel = wheel;
    this.random = random;
    this.user = user;
    this.lastReceivedMs = wheel.nowMs();
    this.armInterval();
  }

  private armInterval(): void {
    const { intervalMs, intervalJitterPercent } = this.options;
    if (intervalMs === 0) this.disarm();
    else this.wheel.arm(this, intervalMs * (1 + (this.random() * intervalJitterPercent) / 100));
  }

  private ping(): void {
    this.awaiting = true;
    this.wheel.arm(this, this.options.timeoutMs);
    this.user.sendPing();
  }

  onDue(): void {
    if (this.awaiting) this.user.onPingTimeout();
    else this.ping();
  }

  /** Any frame shows that the peer lives; its PING ACK may be behind others. */
  onFrame(): void {
    this.lastReceivedMs = this.wheel.nowMs();
    if (this.awaiting) this.wheel.arm(this, this.options.timeoutMs);
  }

  onPingAck(): void {
    this.awaiting = false;
    this.armInterval();
  }

  /** Before a stream is opened: a connection that has been quiet for long may be dead. */
  checkIdle(): void {
    const { connectionIdleIntervalMs } = this.options;
    if (connectionIdleIntervalMs === 0 || this.awaiting) return;
    if (this.wheel.nowMs() - this.lastReceivedMs > connectionIdleIntervalMs) this.ping();
  }
}
