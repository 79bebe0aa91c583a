/** Upgrades of a connection to another protocol that a route allows. */
import { message, required, withDefault } from '../message.ts';
import { bool, string } from '../proto-json.ts';

const connectConfig = message(
  { allow_post: withDefault(bool(), false) },
  {
    name: 'envoy.config.route.v3.RouteAction.UpgradeConfig.ConnectConfig',
    known: {
      proxy_protocol_config:
        'not built yet for routes; use the upstream_proxy_protocol transport socket of the cluster',
    },
  },
);

/** Envoy `RouteAction.UpgradeConfig`. */
export const upgradeConfig = message(
  {
    upgrade_type: required(string({ pattern: /^[^\0\r\n]+$/, expected: 'an upgrade type' })),
    enabled: withDefault(bool(), true),
    connect_config: connectConfig,
  },
  {
    name: 'envoy.config.route.v3.RouteAction.UpgradeConfig',
    check({ upgradeType = '', connectConfig }, report) {
      if (connectConfig === undefined || ['connect', 'connect-udp'].includes(upgradeType.toLowerCase())) return;
      report({ path: ['connect_config'], message: `Non-CONNECT upgrade type ${upgradeType} has ConnectConfig` });
    },
  },
);
