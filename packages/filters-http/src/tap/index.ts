/** `envoy.filters.http.tap`: shows what passes, to the admin server's `/tap` or into files. */
import { defineHttpFilter } from '@mesh/core';
import { NAME, tapFilterConfig } from './config.ts';
import { TapFilter } from './filter.ts';

/**
 * Requests and responses that match are written down, heads, bodies and trailers: for whoever asks `/tap` of the admin
 * server by the `config_id`, or, with a static config, into a file each. While nobody asks a request costs one check per
 * part.
 *
 * @example
 * http({ filters: [tap({ commonConfig: { adminConfig: { configId: 'front' } } }), router()] })
 */
export const tap = defineHttpFilter({
  name: 'envoy.filters.http.tap',
  typeUrl: `type.googleapis.com/${NAME}`,
  config: tapFilterConfig,
  create: (config, context) => new TapFilter(config, context),
});
