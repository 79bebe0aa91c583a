/** Envoy `Tap`. */
import { bool, message, nonEmpty, refuseAdminSinks, required, tapConfig, withDefault } from '@mesh/core/proto';
import type { z } from 'zod';

/** The filter's own message. */
export const NAME = 'envoy.extensions.filters.http.tap.v3.Tap';

const COMMON = 'envoy.extensions.common.tap.v3';

const commonConfig = message(
  {
    admin_config: message({ config_id: required(nonEmpty()) }, { name: `${COMMON}.AdminConfig` }),
    static_config: tapConfig,
  },
  {
    name: `${COMMON}.CommonExtensionConfig`,
    oneofs: [{ fields: ['admin_config', 'static_config'], required: true }],
    check({ staticConfig }, report) {
      refuseAdminSinks(staticConfig?.outputConfig?.sinks ?? [], (issue) =>
        report({ ...issue, path: ['static_config', ...(issue.path ?? [])] }),
      );
    },
  },
);

/** The config message. */
export const tapFilterConfig = message(
  {
    common_config: required(commonConfig),
    record_headers_received_time: withDefault(bool(), false),
    record_downstream_connection: withDefault(bool(), false),
    record_upstream_connection: withDefault(bool(), false),
  },
  { name: NAME },
);

/** A parsed config. */
export type TapFilterConfig = z.output<typeof tapFilterConfig>;
