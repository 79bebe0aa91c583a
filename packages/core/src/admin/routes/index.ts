/** All built-in endpoints. */
import type { AdminRoute } from '../route.ts';
import { certificateRoutes } from './certs.ts';
import { clusterRoutes } from './clusters.ts';
import { configDumpRoutes } from './config-dump.ts';
import { explainRoutes } from './explain.ts';
import { initDumpRoutes } from './init-dump.ts';
import { listenerRoutes } from './listeners.ts';
import { loggingRoutes } from './logging.ts';
import { recentLookupRoutes } from './recent-lookups.ts';
import { routeTableRoutes } from './routes.ts';
import { runtimeRoutes } from './runtime.ts';
import { serverRoutes } from './server.ts';
import { statsRoutes } from './stats.ts';
import { tapRoutes } from './tap.ts';

/** Every endpoint but the listings of endpoints. */
export const builtInRoutes: readonly AdminRoute[] = [
  ...certificateRoutes,
  ...clusterRoutes,
  ...configDumpRoutes,
  ...explainRoutes,
  ...initDumpRoutes,
  ...listenerRoutes,
  ...loggingRoutes,
  ...recentLookupRoutes,
  ...routeTableRoutes,
  ...runtimeRoutes,
  ...serverRoutes,
  ...statsRoutes,
  ...tapRoutes,
];
