/**
 * One check of one host, again and again: Envoy's state machine. The first result decides at once; later ones count
 * towards the thresholds, but for an answer that says plainly that the host is bad. Invariant: at any time one thing is
 * waited for, the next check or the answer to this one; a closed session waits for nothing and tells nothing.
 */
import { HealthFlag, type Host, TimerEntry } from '@mesh/core';
import type { Checker } from './checker.ts';
import type { HostState } from './host-state.ts';
import { firstWait, nextWait, type Transition } from './intervals.ts';
import type { FailureType, Probe, Verdicts } from './probe.ts';

const { failedActiveHc, degradedActiveHc, pendingActiveHc, activeHcTimeout, excludedViaImmediateHcFail } = HealthFlag;

export class CheckSession extends TimerEntry implements Verdicts {
  readonly host: Host;
  /** What this check alone says of the host, bits of `HealthFlag`. */
  flags: number;
  private readonly checker: Checker;
  private readonly state: HostState;
  private readonly probe: Probe;
  private first = true;
  private passes = 0;
  private failures = 0;
  private checking = false;
  private closed = false;
  private readonly onFirstResult: () => void;

  /** `onFirstResult` is called once, with the first result or the end. */
  constructor(checker: Checker, state: HostState, onFirstResult: () => void) {
    super();
    this.checker = checker;
    this.onFirstResult = onFirstResult;
    this.state = state;
    this.host = state.host;
    this.flags = state.firstFlags;
    this.probe = checker.makeProbe(state.host, this);
    this.count(1);
  }

  /** Checks for the first time, not before `delayMs`. */
  begin(delayMs: number): void {
    const { intervals, cluster } = this.checker;
    const wait = delayMs + firstWait(intervals, cluster);
    if (wait === 0) this.check();
    else cluster.timers.arm(this, wait);
  }

  /** It is time for a check, or too late for the answer to one. */
  onDue(): void {
    if (!this.checking) {
      this.check();
      return;
    }
    this.probe.giveUp();
    this.failed('NETWORK_TIMEOUT');
  }

  private check(): void {
    const { cluster, config, stats } = this.checker;
    this.checking = true;
    stats.attempt.inc();
    cluster.timers.arm(this, config.timeoutMs);
    this.probe.start();
  }

  passed(degraded: boolean): void {
    if (this.closed || !this.checking) return;
    this.failures = 0;
    let transition = this.recover();
    const { config, events, stats } = this.checker;
    if (transition !== 'changed' && config.alwaysLogHealthCheckSuccess) events?.passed(this.host);
    if (this.clearPending()) transition = 'changed';
    if (this.setDegraded(degraded) && transition === 'unchanged') transition = 'changed';
    stats.success.inc();
    this.state.settle();
    if (this.state.passes) this.host.outlier?.onActiveCheckPassed();
    this.decided();
    this.waitForNext(true, transition);
  }

  private recover(): Transition {
    if ((this.flags & failedActiveHc) === 0) return 'unchanged';
    const { cluster, config, events } = this.checker;
    cluster.noteRecovered(this.host);
    if (!this.first && ++this.passes !== config.healthyThreshold) return 'pending';
    this.change(failedActiveHc | activeHcTimeout | excludedViaImmediateHcFail, 0);
    events?.addedHealthy(this.host, this.first);
    return 'changed';
  }

  private setDegraded(degraded: boolean): boolean {
    if (degraded === ((this.flags & degradedActiveHc) !== 0)) return false;
    this.change(degradedActiveHc, degraded ? degradedActiveHc : 0);
    const { events } = this.checker;
    if (degraded) events?.degraded(this.host);
    else events?.noLongerDegraded(this.host);
    return true;
  }

  failed(type: FailureType, retriable = false, status = 0, excluded = false): void {
    if (this.closed) return;
    if (excluded) this.change(0, excludedViaImmediateHcFail);
    this.waitForNext(false, this.worsen(type, retriable, status));
  }

  /** A response to ordinary traffic says that the host wants no more of it. */
  failNow(): void {
    if (this.closed) return;
    this.change(0, excludedViaImmediateHcFail);
    this.worsen('PASSIVE', false, 0);
  }

  private worsen(type: FailureType, retriable: boolean, status: number): Transition {
    const { config, events, stats } = this.checker;
    const network = type === 'NETWORK' || type === 'NETWORK_TIMEOUT';
    this.passes = 0;
    let transition: Transition = 'unchanged';
    if ((this.flags & failedActiveHc) === 0) {
      const out = (!network && !retriable) || ++this.failures === config.unhealthyThreshold;
      transition = out ? 'changed' : 'pending';
      if (out) {
        this.change(0, failedActiveHc);
        events?.ejected(this.host, type, status);
      }
    }
    const late = type === 'NETWORK_TIMEOUT' && (this.flags & failedActiveHc) !== 0;
    this.change(activeHcTimeout, late ? activeHcTimeout : 0);
    if (this.clearPending()) transition = 'changed';
    if (this.first || config.alwaysLogHealthCheckFailures) events?.failed(this.host, type, this.first, status);
    stats.failure.inc();
    if (network) stats.networkFailure.inc();
    else if (type === 'PASSIVE') stats.passiveFailure.inc();
    this.state.settle();
    this.decided();
    return transition;
  }

  private clearPending(): boolean {
    if ((this.flags & pendingActiveHc) === 0) return false;
    this.change(pendingActiveHc, 0);
    return true;
  }

  private change(clear: number, set: number): void {
    this.count(-1);
    this.flags = (this.flags & ~clear) | set;
    this.count(1);
  }

  private count(by: 1 | -1): void {
    const { healthy, degraded } = this.checker.stats.members;
    if ((this.flags & failedActiveHc) === 0) by > 0 ? healthy.inc() : healthy.dec();
    if ((this.flags & degradedActiveHc) !== 0) by > 0 ? degraded.inc() : degraded.dec();
  }

  /** There has been a result, or there never will be one. */
  private decided(): void {
    if (!this.first) return;
    this.first = false;
    this.onFirstResult();
  }

  private waitForNext(passed: boolean, transition: Transition): void {
    // It may be gone by now: a host that its source has removed leaves when it fails.
    if (this.closed) return;
    const { cluster, intervals } = this.checker;
    this.checking = false;
    cluster.timers.arm(this, nextWait(intervals, cluster, passed, transition));
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.disarm();
    this.count(-1);
    this.probe.close();
    this.decided();
  }
}
