/**
 * Hears the outcomes of one host's exchanges and counts them: consecutive failures, which are acted upon at once, and
 * success rates, which the cluster's detector looks at when an interval ends.
 */
import type { Host, HostOutlier } from '@mesh/core';
import { RateCounter } from './rates.ts';
import { Sentence } from './sentence.ts';
import type { OutlierSettings } from './settings.ts';
import type { Cause } from './stats.ts';

/** Who decides what follows. */
export interface Judge {
  /** So many failures in a row; the judge resets their counter. */
  onConsecutive(host: HostDetector, cause: Cause): void;
  onDegraded(host: HostDetector): void;
  onActiveCheckPassed(host: HostDetector): void;
}

export class HostDetector implements HostOutlier {
  readonly host: Host;
  readonly ejection = new Sentence();
  readonly degradation = new Sentence();
  /** What responses say, and what happened on this side; without a difference, all of it is external. */
  readonly external = new RateCounter();
  readonly local = new RateCounter();
  successRate = -1;
  localOriginSuccessRate = -1;
  readonly detectsDegraded: boolean;
  private consecutive5xx = 0;
  private consecutiveGateway = 0;
  private consecutiveLocal = 0;
  private readonly split: boolean;
  private readonly settings: OutlierSettings;
  private readonly judge: Judge;

  constructor(host: Host, settings: OutlierSettings, judge: Judge) {
    this.host = host;
    this.settings = settings;
    this.judge = judge;
    this.split = settings.config.splitExternalLocalOriginErrors;
    this.detectsDegraded = settings.config.detectDegradedHosts;
  }

  onStatus(status: number): void {
    if (status < 500 || status >= 600) {
      this.external.success();
      this.consecutive5xx = 0;
      this.consecutiveGateway = 0;
      return;
    }
    this.external.failure();
    if (status < 502 || status > 504) this.consecutiveGateway = 0;
    else if (++this.consecutiveGateway === this.settings.consecutiveGatewayFailure) {
      this.judge.onConsecutive(this, 'consecutive_gateway_failure');
    }
    if (++this.consecutive5xx === this.settings.consecutive5xx) this.judge.onConsecutive(this, 'consecutive_5xx');
  }

  onLocalOrigin(ok: boolean, status: number): void {
    if (!this.split) {
      if (status !== 0) this.onStatus(status);
    } else if (ok) {
      this.local.success();
      this.consecutiveLocal = 0;
    } else {
      this.local.failure();
      if (++this.consecutiveLocal === this.settings.consecutiveLocalOriginFailure) {
        this.judge.onConsecutive(this, 'consecutive_local_origin_failure');
      }
    }
  }

  onDegraded(): void {
    this.judge.onDegraded(this);
  }

  onActiveCheckPassed(): void {
    this.judge.onActiveCheckPassed(this);
  }

  /** The count of `cause` begins anew. */
  reset(cause: Cause): void {
    if (cause === 'consecutive_5xx') this.consecutive5xx = 0;
    else if (cause === 'consecutive_gateway_failure') this.consecutiveGateway = 0;
    else this.consecutiveLocal = 0;
  }

  /** A host that comes back is not held to what it did before. */
  resetAll(): void {
    this.consecutive5xx = 0;
    this.consecutiveGateway = 0;
    this.consecutiveLocal = 0;
  }

  /** An interval is over. */
  turn(): void {
    this.external.turn();
    this.local.turn();
    this.successRate = -1;
    this.localOriginSuccessRate = -1;
  }
}
