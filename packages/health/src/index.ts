/** Who judges the hosts of clusters: active health checks and outlier detection. */

export {};
