/** What all checks of one host come to: it passes when it passes every one of them. */
import { type ClusterMonitorContext, HealthFlag, type Host, type HostChecks } from '@mesh/core';
import type { CheckSession } from './session.ts';
import type { MemberGauges } from './stats.ts';

/** The flags that checks decide about. */
const CHECK_FLAGS =
  HealthFlag.failedActiveHc |
  HealthFlag.degradedActiveHc |
  HealthFlag.pendingActiveHc |
  HealthFlag.activeHcTimeout |
  HealthFlag.excludedViaImmediateHcFail;

/** A flag of a host is that of any of its sessions. */
export class HostState implements HostChecks {
  readonly host: Host;
  readonly sessions: CheckSession[] = [];
  private readonly context: ClusterMonitorContext;
  private readonly closeOnFailure: boolean;
  /** Counted here when a cluster has several checks; each has gauges of its own besides. */
  private readonly members: MemberGauges | undefined;
  /** What the sessions say. */
  private flags: number;
  /** What the host has been told. */
  private applied: number;
  private readonly onChange: (state: HostState) => void;

  /** `members` counts the host until `close`; `onChange` sees to it that `apply` is called. */
  constructor(
    host: Host,
    context: ClusterMonitorContext,
    closeOnFailure: boolean,
    members: MemberGauges | undefined,
    onChange: (state: HostState) => void,
  ) {
    this.host = host;
    this.context = context;
    this.closeOnFailure = closeOnFailure;
    this.members = members;
    this.flags = host.healthFlags & CHECK_FLAGS;
    this.applied = this.flags;
    this.onChange = onChange;
    this.count(1);
  }

  /** The flags that a session begins with. */
  get firstFlags(): number {
    return this.flags;
  }

  /** Takes over what the sessions have found. */
  settle(): void {
    let flags = 0;
    for (const session of this.sessions) flags |= session.flags;
    if (flags === this.flags) return;
    this.count(-1);
    this.flags = flags;
    this.count(1);
    this.onChange(this);
  }

  /** Tells the host what the sessions say. */
  apply(): void {
    const { host, context, applied: before, flags } = this;
    if (flags === before) return;
    this.applied = flags;
    // Cleared first: a host that is to go when it fails goes with the flags that it then has.
    if ((before & ~flags) !== 0) context.setHealth(host, before & ~flags, false);
    if ((flags & ~before) !== 0) context.setHealth(host, flags & ~before, true);
    const failedNow = (flags & ~before & HealthFlag.failedActiveHc) !== 0;
    if (failedNow && this.closeOnFailure) context.closeConnections(host);
  }

  /** By its checks the host may be used. */
  get passes(): boolean {
    return (this.flags & HealthFlag.failedActiveHc) === 0;
  }

  failNow(): void {
    this.sessions.at(-1)?.failNow();
  }

  close(): void {
    for (const session of this.sessions) session.close();
    this.count(-1);
  }

  private count(by: 1 | -1): void {
    const { members } = this;
    if (members === undefined) return;
    if ((this.flags & HealthFlag.failedActiveHc) === 0) by > 0 ? members.healthy.inc() : members.healthy.dec();
    if ((this.flags & HealthFlag.degradedActiveHc) !== 0) by > 0 ? members.degraded.inc() : members.degraded.dec();
  }
}
