/** How responses are counted for a cluster: by code and class, by origin, and how long they took. */
import type { Host } from '../api/cluster.ts';
import { type Histogram, ResponseCodeStats, type Scope } from '../stats/index.ts';

/** Alternative stat names per cluster. */
const MAX_ALT_NAMES = 100;

/** Zones that responses are counted by. */
const MAX_ZONES = 100;

interface ZoneCharges {
  readonly codes: ResponseCodeStats;
  readonly time: Histogram;
}

interface AltCodes {
  readonly all: ResponseCodeStats;
  readonly external: ResponseCodeStats;
  readonly internal: ResponseCodeStats;
}

export class Charges {
  /** `cluster.<name>.` */
  private readonly scope: Scope;
  private readonly codes: ResponseCodeStats;
  private readonly externalCodes: ResponseCodeStats;
  private readonly internalCodes: ResponseCodeStats;
  private retriedCodes: ResponseCodeStats | undefined = undefined;
  private canaryCodes: ResponseCodeStats | undefined = undefined;
  private readonly altCodes = new Map<string, AltCodes>();
  private readonly zones = new Map<string, ZoneCharges>();
  /** Where the proxy runs; '' where that is not known, and then nothing is counted by zone. */
  private readonly ownZone: string;
  private rqTime: Histogram | undefined = undefined;
  private canaryRqTime: Histogram | undefined = undefined;
  private externalTime: Histogram | undefined = undefined;
  private internalTime: Histogram | undefined = undefined;

  constructor(scope: Scope, ownZone: string) {
    this.scope = scope;
    this.ownZone = ownZone;
    this.codes = new ResponseCodeStats(scope);
    this.externalCodes = new ResponseCodeStats(scope, 'external.');
    this.internalCodes = new ResponseCodeStats(scope, 'internal.');
  }

  status(host: Host | undefined, status: number, internal: boolean): void {
    this.codes.charge(status);
    (internal ? this.internalCodes : this.externalCodes).charge(status);
    if (host === undefined) return;
    if (status >= 500) host.stats.rqError++;
    else host.stats.rqSuccess++;
  }

  retried(status: number): void {
    this.retriedCodes ??= new ResponseCodeStats(this.scope, 'retry.');
    this.retriedCodes.charge(status);
  }

  canary(status: number): void {
    this.canaryCodes ??= new ResponseCodeStats(this.scope, 'canary.');
    this.canaryCodes.charge(status);
  }

  canaryTime(durationMs: number): void {
    this.canaryRqTime ??= this.scope.histogram('canary.upstream_rq_time');
    this.canaryRqTime.record(Math.round(durationMs));
  }

  alt(name: string, status: number, internal: boolean): void {
    let alt = this.altCodes.get(name);
    if (alt === undefined) {
      // Requests choose the name: beyond the limit they are counted nowhere rather than growing without bound.
      if (this.altCodes.size >= MAX_ALT_NAMES) return;
      const codes = (origin: string) => new ResponseCodeStats(this.scope, `${name}.${origin}`);
      alt = { all: codes(''), external: codes('external.'), internal: codes('internal.') };
      this.altCodes.set(name, alt);
    }
    alt.all.charge(status);
    (internal ? alt.internal : alt.external).charge(status);
  }

  /** As Envoy, once more by the zones of the proxy and of the host, where both have names. */
  zone(host: Host, status: number): void {
    this.zoneOf(host)?.codes.charge(status);
  }

  zoneTime(host: Host, durationMs: number): void {
    this.zoneOf(host)?.time.record(Math.round(durationMs));
  }

  private zoneOf({ locality: { zone } }: Host): ZoneCharges | undefined {
    if (zone === '' || this.ownZone === '') return undefined;
    let charges = this.zones.get(zone);
    if (charges === undefined && this.zones.size < MAX_ZONES) {
      const prefix = `zone.${this.ownZone}.${zone}.`;
      const codes = new ResponseCodeStats(this.scope, prefix);
      charges = { codes, time: this.scope.histogram(`${prefix}upstream_rq_time`) };
      this.zones.set(zone, charges);
    }
    return charges;
  }

  time(durationMs: number, internal: boolean): void {
    const time = Math.round(durationMs);
    this.rqTime ??= this.scope.histogram('upstream_rq_time');
    this.rqTime.record(time);
    this.originTime(internal).record(time);
  }

  /** The histograms of a kind of origin appear with its first response, as its counters do. */
  private originTime(internal: boolean): Histogram {
    if (internal) {
      this.internalTime ??= this.scope.histogram('internal.upstream_rq_time');
      return this.internalTime;
    }
    this.externalTime ??= this.scope.histogram('external.upstream_rq_time');
    return this.externalTime;
  }
}
