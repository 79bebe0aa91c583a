/** Hosts that are ejected for how they compare with the others, and for their share of failures. */
import { outlier, RATES } from './outlier.ts';
import { type ClusterScenario, look } from './scenario.ts';

export const outlierRates: readonly ClusterScenario[] = [
  outlier('success-rate', {
    why: 'one of five that always fails: mean 80, deviation 40, threshold 80 - 1.9 * 40',
    detection: RATES,
    hosts: 'abcde',
    steps: [{ tick: true }, { hosts: { a: 500 } }, { burst: 25 }, { rates: true }, look],
  }),
  outlier('success-rate-shares', {
    why: 'rates between: mean 86.7, deviation 26.7 (two thirds of ten thousands), threshold 36',
    detection: RATES,
    hosts: 'abcde',
    steps: [
      { tick: true },
      { hosts: { a: 500 } },
      { burst: 10 },
      { hosts: { a: 200 } },
      { burst: 5 },
      { rates: true },
      look,
    ],
  }),
  outlier('success-rate-factor', {
    why: 'a factor of 2.5 lets it be: the threshold is below 0',
    detection: { ...RATES, success_rate_stdev_factor: 2500 },
    hosts: 'abcde',
    steps: [{ tick: true }, { hosts: { a: 500 } }, { burst: 25 }, { rates: true }, look],
  }),
  outlier('success-rate-hosts', {
    why: 'four hosts are too few',
    detection: { ...RATES, failure_percentage_minimum_hosts: 1 },
    hosts: 'abcd',
    steps: [{ tick: true }, { hosts: { a: 500 } }, { burst: 20 }, { rates: true }, look],
  }),
  outlier('success-rate-split', {
    why: 'a connection is a success of this side, what breaks behind it a failure: half of them',
    detection: {
      ...RATES,
      split_external_local_origin_errors: true,
      consecutive_local_origin_failure: 0,
      success_rate_minimum_hosts: 1,
    },
    hosts: 'a',
    // Without a connection that has been there before: this proxy would take it for a stale one, and try again.
    steps: [
      { hosts: { a: { connection: 'close' } } },
      { tick: true },
      { hosts: { a: 'reset' } },
      { burst: 8 },
      { rates: true },
    ],
  }),
  outlier('failure-percentage', {
    why: 'who fails as often as the threshold says is ejected, whatever the others do',
    detection: {
      ...RATES,
      enforcing_failure_percentage: 100,
      failure_percentage_minimum_hosts: 3,
      failure_percentage_threshold: 60,
    },
    steps: [
      { tick: true },
      { hosts: { a: 500 } },
      { burst: 9 },
      { hosts: { a: 200, b: 500 } },
      { burst: 6 },
      { until: { a: '/failed_outlier_check' } },
      look,
    ],
  }),
  outlier('failure-percentage-off', {
    why: 'it is detected only, unless told otherwise',
    detection: { ...RATES, failure_percentage_minimum_hosts: 1 },
    hosts: 'a',
    steps: [{ tick: true }, { hosts: { a: 500 } }, { burst: 10 }, { rates: true }, look],
  }),
  outlier('both-rates', {
    why: 'who is an outlier by both is looked at twice',
    detection: { ...RATES, enforcing_failure_percentage: 100 },
    hosts: 'abcde',
    steps: [{ tick: true }, { hosts: { a: 500 } }, { burst: 25 }, { rates: true }, look],
  }),
];
