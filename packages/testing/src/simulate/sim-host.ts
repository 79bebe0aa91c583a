/** One host of a simulation: how it behaves, and the line of requests that wait there. */
import type { Host, RandomSource } from '@mesh/core';
import type { HostRecord } from './record.ts';
import type { HostBehaviour } from './scenario.ts';

/** What becomes of one request. */
export interface SimAnswer {
  dueMs: number;
  /** 0: no connection. */
  status: number;
}

/** How long a refused connection takes to be noticed. */
const REFUSED_MS = 0.1;

export class SimHost {
  readonly address: string;
  readonly behaviour: HostBehaviour;
  readonly record: HostRecord;
  /** When what is in line now will be worked off. */
  private lineMs = 0;

  constructor(address: string, behaviour: HostBehaviour, record: HostRecord) {
    this.address = address;
    this.behaviour = behaviour;
    this.record = record;
  }

  /** Takes a request at `nowMs`. */
  serve(nowMs: number, random: RandomSource, answer: SimAnswer): void {
    const { behaviour } = this;
    if (!behaviour.up) {
      answer.status = 0;
      answer.dueMs = nowMs + REFUSED_MS;
      return;
    }
    const mean = behaviour.latencyMs;
    const takes = behaviour.latency === 'fixed' ? mean : -Math.log(1 - random()) * mean;
    let begins = nowMs;
    if (behaviour.concurrency !== Number.POSITIVE_INFINITY) {
      begins = Math.max(nowMs, this.lineMs);
      this.lineMs = begins + takes / behaviour.concurrency;
    }
    answer.dueMs = begins + takes;
    answer.status = behaviour.failureRate > 0 && random() < behaviour.failureRate ? behaviour.failureStatus : 200;
  }

  /** What an active check finds. */
  get passesChecks(): boolean {
    return this.behaviour.passesChecks ?? this.behaviour.up;
  }
}

/** Finds the host of a simulation that a host of the cluster stands for. */
export type FindHost = (host: Host) => SimHost;
