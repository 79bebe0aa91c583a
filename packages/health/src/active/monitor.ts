/** The active health checks of one cluster. */
import type { ClusterConfig, ClusterMonitor, ClusterMonitorContext, Host } from '@mesh/core';
import { Changes } from './changes.ts';
import { Checker } from './checker.ts';
import { EventFiles } from './event-log.ts';
import { HostState } from './host-state.ts';
import { CheckSession } from './session.ts';
import { type MemberGauges, memberGauges } from './stats.ts';

/** First checks that begin at the same moment; a large cluster is spread, or it would run out of sockets. */
const BURST = 256;
/** Time between two such moments, in milliseconds. */
const BURST_GAP_MS = 8;

const IGNORE = () => {};

export class ActiveHealthChecks implements ClusterMonitor {
  readonly checksHosts = true;
  private readonly context: ClusterMonitorContext<ClusterConfig>;
  private readonly files: EventFiles;
  private readonly checkers: readonly Checker[];
  private readonly members: MemberGauges | undefined;
  private readonly states = new Map<Host, HostState>();
  private readonly changes: Changes;
  private readonly onChange: (state: HostState) => void;
  private started = false;
  private closed = false;
  /** First results that the cluster waits for. */
  private open = 0;
  private ready: (() => void) | undefined = undefined;

  /** @throws MeshError `CONFIG_INVALID` when a log file cannot be opened. */
  constructor(context: ClusterMonitorContext<ClusterConfig>) {
    this.context = context;
    this.files = new EventFiles(context.files);
    this.changes = new Changes(context.timers);
    this.onChange = (state) => this.changes.note(state, context.hosts().length);
    const { healthChecks } = context.config;
    const several = healthChecks.length > 1;
    try {
      this.checkers = healthChecks.map((check) => new Checker(check, context, this.files));
    } catch (error) {
      this.files.close();
      throw error;
    }
    this.members = several ? memberGauges(context.stats.scope('health_check.')) : undefined;
  }

  /** The first round ends: each first check has an answer within its timeout. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.ready = resolve;
      // Kept open until all have begun: the first may have its answer before the last is asked.
      this.open++;
      this.started = true;
      this.add(this.context.hosts(), () => this.onFirstResult());
      this.onFirstResult();
    });
  }

  onHosts(added: readonly Host[], removed: readonly Host[]): void {
    if (!this.started || this.closed) return;
    for (const host of removed) {
      const state = this.states.get(host);
      this.states.delete(host);
      if (state === undefined) continue;
      this.changes.forget(state);
      state.close();
    }
    // Nobody waits for those that come later: with ever new hosts the cluster would never be ready.
    this.add(added, undefined);
  }

  private add(hosts: readonly Host[], onFirstResult: (() => void) | undefined): void {
    let begun = 0;
    for (const host of hosts) {
      if (host.healthCheck?.disabled === true || this.states.has(host)) continue;
      const closeOnFailure = this.context.config.closeConnectionsOnHostHealthFailure;
      const state = new HostState(host, this.context, closeOnFailure, this.members, this.onChange);
      this.states.set(host, state);
      for (const checker of this.checkers)
        state.sessions.push(new CheckSession(checker, state, onFirstResult ?? IGNORE));
      this.context.attach(host, { checks: state });
      if (onFirstResult !== undefined) this.open += state.sessions.length;
      for (const session of [...state.sessions]) session.begin(Math.floor(begun++ / BURST) * BURST_GAP_MS);
    }
  }

  private onFirstResult(): void {
    this.open--;
    if (this.open > 0) return;
    this.changes.flush();
    this.ready?.();
    this.ready = undefined;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.changes.close();
    for (const state of this.states.values()) state.close();
    this.states.clear();
    this.files.close();
    this.ready?.();
    this.ready = undefined;
  }
}
