/** Hosts that have just come, or come back, begin with a part of their weight that grows over a window of time. */
import type { Host, LoadBalancerContext, Runtime } from '@mesh/core';
import type { RuntimeDouble, SlowStartConfig } from './config.ts';

export class SlowStart {
  private readonly context: LoadBalancerContext;
  private readonly windowMs: number;
  private readonly aggression: RuntimeDouble | undefined;
  /** The least part of its weight that a host has, 0 to 1. */
  private readonly least: number;
  /** When the last host began, as far as updates have told. The policy itself counts as one. */
  private latestMs: number;

  /** `undefined` when the config asks for none. */
  static of(config: SlowStartConfig | undefined, context: LoadBalancerContext): SlowStart | undefined {
    return config === undefined || config.slowStartWindowMs === 0 ? undefined : new SlowStart(config, context);
  }

  private constructor(config: SlowStartConfig, context: LoadBalancerContext) {
    this.context = context;
    this.windowMs = config.slowStartWindowMs;
    this.aggression = config.aggression;
    this.least = config.minWeightPercent.value / 100;
    this.latestMs = context.timers.nowMs();
  }

  /** Hosts as an update brings them: the window begins with the last of them. */
  note(hosts: readonly Host[]): void {
    const now = this.context.timers.nowMs();
    for (const host of hosts) {
      const start = startOf(host);
      if (host.healthy && start > this.latestMs && now - start <= this.windowMs) this.latestMs = start;
    }
  }

  /** True when no host can be in its window. */
  get over(): boolean {
    return this.context.timers.nowMs() - this.latestMs > this.windowMs;
  }

  /** The part of its weight that `host` has now, above 0 and up to 1. */
  factor(host: Host): number {
    if (!host.healthy) return 1;
    const age = Math.floor(this.context.timers.nowMs() - startOf(host));
    if (age >= this.windowMs) return 1;
    const time = Math.max(1, age) / this.windowMs;
    const aggression = this.currentAggression();
    return Math.max(aggression === 1 ? time : time ** (1 / aggression), this.least);
  }

  private currentAggression(): number {
    const value = this.aggression === undefined ? 1 : runtimeValue(this.aggression, this.context.runtime);
    return value > 0 ? value : 1;
  }
}

/** When a host began: with its last recovery, or when it joined. */
function startOf({ recoveredMs, addedMs }: Host): number {
  return recoveredMs ?? addedMs;
}

/** The number in force: the runtime's where its key has one. */
export function runtimeValue({ defaultValue, runtimeKey }: RuntimeDouble, runtime: Runtime): number {
  const text = runtimeKey === '' ? undefined : runtime.get(runtimeKey);
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isNaN(value) ? defaultValue : value;
}
