/** What a proxy is made of. */
import type { JsonObject } from '../admin/index.ts';
import type { Clock, RandomSource } from '../api/clock.ts';
import type { BootstrapConfig } from '../config/bootstrap.ts';
import type { ConfigPlaces } from '../config/places.ts';
import type { Registry } from '../registry.ts';
import type { Logger } from '../runtime/log.ts';

/** Everything that a proxy is made of, already checked. */
export interface ProxyParts {
  readonly bootstrap: BootstrapConfig;
  /** The config as it was written (v3 JSON form), for `/config_dump`. */
  readonly raw: JsonObject;
  /** Where the parts of the config stand in files; absent when it was made in code. */
  readonly places?: ConfigPlaces | undefined;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
  readonly random?: RandomSource | undefined;
  /** How long `drain` waits for requests in flight. Default 600 000, Envoy's `--drain-time-s`. */
  readonly drainTimeMs?: number | undefined;
  /** Longest wait of a line for its access-log file. Default 10 000, Envoy's `--file-flush-interval-msec`. */
  readonly logFlushIntervalMs?: number | undefined;
  readonly commandLineOptions?: JsonObject | undefined;
  /** Tags that every metric gets, before those of `stats_config`. */
  readonly statsTags?: readonly { readonly name: string; readonly value: string }[] | undefined;
  readonly node?: { readonly id?: string; readonly cluster?: string; readonly zone?: string } | undefined;
}
