/** What holds for all clusters of a proxy. */
import { message, nested, withDefault } from './message.ts';
import { clusterManagerOutlierDetection } from './outlier-detection.ts';
import { string } from './proto-json.ts';

/** Envoy `ClusterManager`. */
export const clusterManagerSchema = message(
  {
    /** The cluster that this proxy is a member of, for zone-aware routing; '' is none. */
    local_cluster_name: withDefault(string(), ''),
    outlier_detection: nested(clusterManagerOutlierDetection),
  },
  {
    name: 'envoy.config.bootstrap.v3.ClusterManager',
    known: {
      upstream_bind_config: 'not built yet; clusters have one of their own',
      load_stats_config: 'xDS is not built yet',
      enable_deferred_cluster_creation: 'clusters are made when their config arrives',
    },
  },
);
