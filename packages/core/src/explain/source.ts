/** What `explain` needs to know of a proxy, running or not. */
import type { Host } from '../api/cluster.ts';
import type { Runtime } from '../api/runtime.ts';
import type { BootstrapConfig } from '../config/bootstrap.ts';
import type { HttpConnectionManagerConfig } from '../config/http-connection-manager.ts';
import type { CompiledTables } from '../listener-build.ts';
import type { Registry } from '../registry.ts';
import type { SourcePlace } from './explanation.ts';

export interface ExplainSource {
  readonly bootstrap: BootstrapConfig;
  readonly registry: Registry;
  readonly runtime: Runtime;
  /** Who this proxy is, for fields that name it. */
  readonly node: { readonly id?: string | undefined; readonly cluster?: string | undefined };
  /** How many of the earlier routes are told, the last ones: a running proxy has other things to do. */
  readonly mostEarlierRoutes: number;
  /** The tables that the proxy has compiled, so that it need not be done again. */
  tablesOf(manager: HttpConnectionManagerConfig): CompiledTables | undefined;
  /** The hosts that a cluster has now; `undefined` when the proxy does not run. */
  hostsOf(cluster: string): readonly Host[] | undefined;
  /** Where a listener, filter chain, connection manager, virtual host, route or cluster was written. */
  placeOf(node: object): SourcePlace | undefined;
}
