/** `envoy.filters.network.local_ratelimit`: so many new connections per time. */
import { defineNetworkFilter, STOP, TokenBucket } from '@mesh/core';
import { message, nonEmpty, required, runtimeFlag, string, tokenBucket, withDefault } from '@mesh/core/proto';
import { switchOf } from '../runtime-switch.ts';

const config = message(
  {
    stat_prefix: required(nonEmpty()),
    token_bucket: required(tokenBucket),
    runtime_enabled: runtimeFlag,
    share_key: withDefault(string(), ''),
  },
  {
    name: 'envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit',
    check({ tokenBucket: bucket }, report) {
      if (bucket?.fillIntervalMs === undefined || bucket.fillIntervalMs >= 50) return;
      report({
        path: ['token_bucket', 'fill_interval'],
        message: 'local rate limit token bucket fill timer must be >= 50ms',
      });
    },
  },
);

/** Buckets that filters share. By clock: proxies in one process, and tests, do not meet. */
const shared = new WeakMap<object, Map<string, TokenBucket>>();

/**
 * Takes a token for each new connection and closes those that get none. Filters with the same `shareKey` and the same
 * bucket settings take from one bucket.
 *
 * @example localRateLimit({ statPrefix: 'db', tokenBucket: { maxTokens: 100, fillInterval: '1s' } })
 */
export const localRateLimit = defineNetworkFilter({
  name: 'envoy.filters.network.local_ratelimit',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit',
  config,
  create({ statPrefix, tokenBucket: settings, runtimeEnabled, shareKey }, { runtime, stats, timers }) {
    const limited = stats.scope(`local_rate_limit.${statPrefix}.`).counter('rate_limited');
    const enabled = switchOf(runtime, runtimeEnabled);
    const make = () => new TokenBucket(settings, timers.clock);
    const bucket = shareKey === '' ? make() : sharedBucket(timers, `${shareKey} ${JSON.stringify(settings)}`, make);
    return {
      onConnection(connection) {
        if (!enabled() || bucket.take()) return;
        limited.inc();
        connection.info.localCloseReason = 'local_ratelimit_close';
        connection.close('now');
        return STOP;
      },
    };
  },
});

function sharedBucket(owner: object, key: string, make: () => TokenBucket): TokenBucket {
  let buckets = shared.get(owner);
  if (buckets === undefined) {
    buckets = new Map();
    shared.set(owner, buckets);
  }
  let bucket = buckets.get(key);
  if (bucket === undefined) {
    bucket = make();
    buckets.set(key, bucket);
  }
  return bucket;
}
