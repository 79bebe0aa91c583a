/** Where a cluster, listener or route table of a running proxy came from. */
import type { JsonObject } from '../admin/index.ts';

/** A config with its history. */
export interface ResourceSource<Config> {
  readonly config: Config;
  /** As it was written, for `/config_dump`; for configs that were made in code, what they come to. */
  readonly raw: () => JsonObject;
  /** What its source calls this version; '' is none. */
  readonly version: string;
  readonly lastUpdated: Date;
  /** It came while the proxy ran, rather than with its first config. */
  readonly addedViaApi: boolean;
}
