/** What the admin server asks of a proxy. */
import type { DrainOptions, JsonObject, ServerState } from '../admin/index.ts';
import type { AdminSource } from '../proxy-admin.ts';
import { versionText } from '../version.ts';
import type { ProxyParts } from './parts.ts';

/** The part of {@link AdminSource} that only the proxy itself can tell, or do. */
export type AdminDuties = Omit<
  AdminSource,
  'version' | 'commandLineOptions' | 'node' | 'state' | 'drainListeners' | 'healthcheck'
> & {
  state(): ServerState;
  drainListeners(options: DrainOptions): Promise<void>;
  healthcheck(fail: boolean): void;
};

/** Adds what follows from the config. */
export function adminSource(parts: ProxyParts, duties: AdminDuties): AdminSource {
  const { bootstrap, commandLineOptions = {}, node = {} } = parts;
  const { locality } = bootstrap.node;
  return {
    ...duties,
    version: versionText(),
    commandLineOptions,
    node: {
      id: bootstrap.node.id || (node.id ?? ''),
      cluster: bootstrap.node.cluster || (node.cluster ?? ''),
      locality: {
        region: locality?.region ?? '',
        zone: locality?.zone || (node.zone ?? ''),
        sub_zone: locality?.subZone ?? '',
      },
      metadata: bootstrap.node.metadata as JsonObject,
      user_agent_name: 'mesh',
    },
    drainListeners: (options) => {
      void duties.drainListeners(options);
    },
  };
}
