/** `envoy.load_balancing_policies.client_side_weighted_round_robin`: weights from what hosts tell of their load. */
import {
  defineLoadBalancer,
  type Host,
  type HostSets,
  type LoadBalancer,
  type LoadBalancerContext,
  type PickContext,
  type TimerHandle,
} from '@mesh/core';
import { bool, double, duration, list, message, only, string, withDefault } from '@mesh/core/proto';
import { RoundRobin, type RoundRobinSettings } from '../round-robin/round-robin.ts';
import { slowStartConfig } from '../slow-start/config.ts';
import { ReportedWeights } from './weights.ts';

const outOfBand = 'reports are taken from responses only; streams of out-of-band reports are not built';

const config = message(
  {
    enable_oob_load_report: withDefault(only(bool(), false, outOfBand), false),
    // Says nothing without out-of-band reports, in Envoy neither.
    oob_reporting_period: duration(),
    blackout_period: withDefault(duration(), 10_000),
    weight_expiration_period: withDefault(duration(), 180_000),
    weight_update_period: withDefault(duration(), 1000),
    // Envoy's documentation says 1; Envoy itself takes none for 0.
    error_utilization_penalty: withDefault(double({ min: 0 }), 0),
    metric_names_for_computing_utilization: list(string()),
    slow_start_config: slowStartConfig,
  },
  {
    name: 'envoy.extensions.load_balancing_policies.client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin',
    known: { oob_reporting_config: outOfBand },
  },
);

type Settings = ReturnType<typeof config.parse> & Pick<RoundRobinSettings, 'localityLbConfig'>;

/** Weights are worked out no more often than this. */
const LEAST_PERIOD_MS = 100;

/** What shares a config shares the reports of a host, e.g. subsets. */
const loadSettings = new WeakMap<Settings, ConstructorParameters<typeof ReportedWeights>[0]>();

class ClientSideWeightedRoundRobin implements LoadBalancer {
  private readonly context: LoadBalancerContext;
  private readonly periodMs: number;
  private readonly weights: ReportedWeights;
  private readonly turns: RoundRobin;
  private timer: TimerHandle;

  constructor(settings: Settings, context: LoadBalancerContext) {
    this.context = context;
    this.periodMs = Math.max(LEAST_PERIOD_MS, settings.weightUpdatePeriodMs);
    const times = { blackoutMs: settings.blackoutPeriodMs, expirationMs: settings.weightExpirationPeriodMs };
    this.weights = new ReportedWeights(loadSettingsOf(settings), times, context.timers.clock);
    this.turns = new RoundRobin(settings, context, (host) => this.weights.of(host));
    this.timer = this.armed();
  }

  private armed(): TimerHandle {
    return this.context.timers.after(this.periodMs, () => {
      if (this.weights.recalculate()) this.turns.reweigh();
      this.timer = this.armed();
    });
  }

  update(sets: HostSets): void {
    this.weights.update(sets);
    this.turns.update(sets);
  }

  pick(context: PickContext): Host | undefined {
    return this.turns.pick(context);
  }

  peek(context: PickContext): Host | undefined {
    return this.turns.peek(context);
  }

  close(): void {
    this.timer.cancel();
    this.weights.close();
    this.turns.close();
  }
}

function loadSettingsOf(settings: Settings) {
  const { metricNamesForComputingUtilization: metricNames, errorUtilizationPenalty: errorPenalty } = settings;
  const found = loadSettings.get(settings) ?? { metricNames, errorPenalty };
  loadSettings.set(settings, found);
  return found;
}

/**
 * Hosts in turn, by weights that come of their own load reports (ORCA: response fields `endpoint-load-metrics` and
 * `endpoint-load-metrics-bin`): the weight is requests a second / (utilization + errors per request × penalty).
 *
 * @example cluster('api', { …, loadBalancing: clientSideWeightedRoundRobin({ blackoutPeriod: '5s' }) })
 */
export const clientSideWeightedRoundRobin = defineLoadBalancer({
  name: 'envoy.load_balancing_policies.client_side_weighted_round_robin',
  typeUrl:
    'type.googleapis.com/envoy.extensions.load_balancing_policies.client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin',
  config,
  create: (settings, context) => new ClientSideWeightedRoundRobin(settings ?? config.parse({}), context),
});
