/** What scenarios are played against. */
import type { Placed } from './bootstrap.ts';

/** A running proxy with all scenarios that it takes. */
export interface Target {
  readonly version: string;
  /** Scenarios that it refused to be configured with, and what it said. */
  readonly refused: ReadonlyMap<string, string>;
  /** The port of a scenario's listener. */
  port(scenario: string): number;
  /** Counters and gauges by their full names. */
  stats(): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
}

/** Starts one. */
export type StartTarget = (placed: readonly Placed[]) => Promise<Target>;
