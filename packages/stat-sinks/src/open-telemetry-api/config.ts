/** The config of `mesh.stat_sinks.open_telemetry_api`. */
import { message, nonEmpty, string, uint32, withDefault } from '@mesh/core/proto';

export const NAME = 'mesh.stat_sinks.open_telemetry_api';

/** Time series that are shown at most; a proxy of a hundred clusters has some ten thousand. */
const MAX_SERIES = 20_000;

export const apiConfig = message(
  {
    meter_name: withDefault(nonEmpty(), 'mesh'),
    prefix: withDefault(string(), 'envoy'),
    max_series: withDefault(uint32({ min: 1 }), MAX_SERIES),
  },
  { name: NAME },
);
