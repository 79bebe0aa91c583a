/** `envoy.filters.network.rbac`: who may connect, by address, certificate, server name, metadata. */
import {
  defineNetworkFilter,
  denialDetails,
  type NetworkConnection,
  RbacEngine,
  type RbacSettings,
  type RbacVerdict,
  STOP,
  type TimerHandle,
} from '@mesh/core';
import { rbacSchema } from './config.ts';

const NAMESPACE = 'envoy.filters.network.rbac';

class RbacState {
  /** The rules have been asked, and once is enough. */
  passed = false;
  denied = false;
  timer: TimerHandle | undefined = undefined;
}

/**
 * Closes connections that the rules do not allow. They are asked when the first byte (or the end) has come, so that a TLS
 * handshake is over. `shadowRules` only count, and leave what they would have done in dynamic metadata.
 *
 * @example rbac({ statPrefix: 'db', rules: { policies: { office: { permissions: [{ any: true }], principals: [{ remoteIp: { addressPrefix: '10.0.0.0', prefixLen: 8 } }] } } } })
 */
export const rbac = defineNetworkFilter({
  name: NAMESPACE,
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC',
  config: rbacSchema,
  newState: () => new RbacState(),
  create(config, { stats: root, timers }) {
    const { rules, shadowRules, statPrefix, shadowRulesStatPrefix, enforcementType, delayDenyMs = 0 } = config;
    const stats = root.scope(`${statPrefix.replace(/\.$/, '')}.rbac.`);
    const dotted = shadowRulesStatPrefix === '' ? '' : `${shadowRulesStatPrefix.replace(/\.$/, '')}.`;
    const allowed = stats.counter('allowed');
    const denied = stats.counter('denied');
    const shadowAllowed = stats.counter(`${dotted}shadow_allowed`);
    const shadowDenied = stats.counter(`${dotted}shadow_denied`);
    const engine = rules && new RbacEngine(rules as RbacSettings);
    const shadow = shadowRules && new RbacEngine(shadowRules as RbacSettings);
    const once = enforcementType === 'ONE_TIME_ON_FIRST_BYTE';

    const judgeShadow = (connection: NetworkConnection, judge: RbacEngine) => {
      const verdict = judge.judge(connection);
      (verdict.allowed ? shadowAllowed : shadowDenied).inc();
      keep(connection, shadowRulesStatPrefix, 'shadow_effective_policy_id', 'shadow_engine_result', verdict);
    };

    const deny = (connection: NetworkConnection, state: RbacState, verdict: RbacVerdict) => {
      state.denied = true;
      connection.info.terminationDetails = denialDetails(verdict);
      connection.info.localCloseReason = 'rbac_deny_close';
      if (delayDenyMs === 0) connection.close('now');
      else state.timer = timers.after(delayDenyMs, () => connection.close('now'));
    };

    return {
      onData(_chunk, connection, state) {
        if (state.passed) return;
        if (state.denied) return STOP;
        if (shadow !== undefined) judgeShadow(connection, shadow);
        state.passed = once;
        if (engine === undefined) return;
        const verdict = engine.judge(connection);
        if (engine.action === 'LOG') logHint(connection, verdict);
        (verdict.allowed ? allowed : denied).inc();
        if (verdict.allowed) return;
        state.passed = false;
        deny(connection, state, verdict);
        return STOP;
      },
      onClose: (_connection, state) => state.timer?.cancel(),
    };
  },
});

/** Leaves a verdict in the connection's dynamic metadata, as Envoy does for shadow rules. */
function keep(connection: NetworkConnection, prefix: string, id: string, result: string, verdict: RbacVerdict): void {
  const entry: Record<string, unknown> = { [`${prefix}${result}`]: verdict.allowed ? 'allowed' : 'denied' };
  if (verdict.policy !== undefined) entry[`${prefix}${id}`] = verdict.policy;
  const { metadata } = connection.info;
  metadata.set(NAMESPACE, { ...(metadata.get(NAMESPACE) as object | undefined), ...entry });
}

/** Envoy's common namespace tells access logs whether to log. */
function logHint(connection: NetworkConnection, { policy }: RbacVerdict): void {
  const { metadata } = connection.info;
  const hint = { access_log_hint: policy !== undefined };
  metadata.set('envoy.common', { ...(metadata.get('envoy.common') as object | undefined), ...hint });
}
