/** `/clusters`: what each cluster and host is doing. */
import { formatG } from '../../stats/numbers.ts';
import { type AddressJson, addressJson, addressText } from '../address.ts';
import type { ClusterSnapshot, HealthFlag, HostSnapshot, HostStatsSnapshot, ThresholdSnapshot } from '../context.ts';
import { printed } from '../iterate.ts';
import { clustersPage } from '../pages/clusters.ts';
import { type AdminRoute, bigJson, html, regexParam, text } from '../route.ts';

/** Text lines `<cluster>::<host>::<key>::<value>`, or the messages of `envoy.admin.v3.Clusters` as JSON. */
export const clusterRoutes: readonly AdminRoute[] = [
  {
    path: '/clusters',
    help: 'upstream cluster status',
    params: [
      { id: 'filter', type: 'string', help: 'Regular expression (Google re2) for filtering clusters by name' },
      { id: 'format', type: 'enum', values: ['text', 'json', 'html'], help: 'File format to use' },
    ],
    async handle(request, context) {
      const filter = regexParam(request, 'filter');
      if (typeof filter === 'string') return text('Invalid re2 regex', 400);
      const clusters = await context.clusters();
      const wanted = ({ name }: ClusterSnapshot) => filter?.test(name) ?? true;
      const format = request.query.get('format');
      if (format === 'json') return bigJson(statuses(printed(clusters, wanted, clusterJson)));
      if (format === 'html') return html(clustersPage(printed(clusters, wanted, (cluster) => cluster)));
      return text(printed(clusters, wanted, clusterText));
    },
  },
];

const COUNTERS = [
  ['cx_connect_fail', 'cxConnectFail'],
  ['cx_total', 'cxTotal'],
  ['rq_error', 'rqError'],
  ['rq_success', 'rqSuccess'],
  ['rq_timeout', 'rqTimeout'],
  ['rq_total', 'rqTotal'],
] as const;

const GAUGES = [
  ['cx_active', 'cxActive'],
  ['rq_active', 'rqActive'],
  ['rq_pending_active', 'rqPendingActive'],
] as const;

const SORTED = [...COUNTERS, ...GAUGES].sort(([a], [b]) => (a < b ? -1 : 1));

const FLAG_FIELDS: Readonly<Partial<Record<HealthFlag, string>>> = {
  failed_active_hc: 'failed_active_health_check',
  failed_outlier_check: 'failed_outlier_check',
  degraded_active_hc: 'failed_active_degraded_check',
  pending_dynamic_removal: 'pending_dynamic_removal',
  pending_active_hc: 'pending_active_hc',
  excluded_via_immediate_hc_fail: 'excluded_via_immediate_hc_fail',
  active_hc_timeout: 'active_hc_timeout',
  degraded_outlier_detection: 'failed_degraded_outlier_detection',
};

/** No list at all when there is nothing to list. */
function statuses(clusters: Generator<object, void, undefined>): object {
  const first = clusters.next();
  if (first.done) return {};
  return { cluster_statuses: chain(first.value, clusters) };
}

function* chain<Item>(first: Item, rest: Iterable<Item>): Generator<Item, void, undefined> {
  yield first;
  yield* rest;
}

function clusterText(cluster: ClusterSnapshot): string {
  const lines = [`observability_name::${cluster.observabilityName ?? cluster.name}`];
  if (cluster.outlier !== undefined) {
    const { outlier } = cluster;
    lines.push(
      `outlier::success_rate_average::${formatG(outlier.successRateAverage)}`,
      `outlier::success_rate_ejection_threshold::${formatG(outlier.successRateEjectionThreshold)}`,
      `outlier::local_origin_success_rate_average::${formatG(outlier.localOriginSuccessRateAverage)}`,
      `outlier::local_origin_success_rate_ejection_threshold::${formatG(outlier.localOriginSuccessRateEjectionThreshold)}`,
    );
  }
  for (const threshold of cluster.thresholds) lines.push(...thresholdText(threshold));
  lines.push(`added_via_api::${cluster.addedViaApi}`);
  if (cluster.edsServiceName) lines.push(`eds_service_name::${cluster.edsServiceName}`);
  for (const host of cluster.hosts) lines.push(...hostText(host));
  return lines.map((line) => `${cluster.name}::${line}\n`).join('');
}

function thresholdText(threshold: ThresholdSnapshot): string[] {
  const prefix = `${threshold.priority}_priority`;
  return [
    `${prefix}::max_connections::${threshold.maxConnections}`,
    `${prefix}::max_pending_requests::${threshold.maxPendingRequests}`,
    `${prefix}::max_requests::${threshold.maxRequests}`,
    `${prefix}::max_retries::${threshold.maxRetries}`,
  ];
}

function hostText(host: HostSnapshot): string[] {
  const address = addressText(host.address);
  const flags = host.healthFlags.map((flag) => `/${flag}`).join('');
  const pairs: (readonly [string, string | number | boolean])[] = [];
  for (const [name, field] of SORTED) {
    const value = host.stats[field];
    if (value !== undefined) pairs.push([name, value]);
  }
  pairs.push(
    ['hostname', host.hostname],
    ['health_flags', flags === '' ? 'healthy' : flags],
    ['weight', host.weight],
    ['region', host.locality.region],
    ['zone', host.locality.zone],
    ['sub_zone', host.locality.subZone],
    ['canary', host.canary],
    ['priority', host.priority],
    // With all their digits, unlike the cluster's.
    ['success_rate', host.successRate ?? -1],
    ['local_origin_success_rate', host.localOriginSuccessRate ?? -1],
  );
  return pairs.map(([key, value]) => `${address}::${key}::${value}`);
}

function clusterJson(cluster: ClusterSnapshot): object {
  const { outlier } = cluster;
  return {
    name: cluster.name,
    ...(cluster.addedViaApi && { added_via_api: true }),
    ...percent('success_rate_ejection_threshold', outlier?.successRateEjectionThreshold),
    ...(cluster.hosts.length > 0 && { host_statuses: cluster.hosts.map(hostJson) }),
    ...percent('local_origin_success_rate_ejection_threshold', outlier?.localOriginSuccessRateEjectionThreshold),
    circuit_breakers: { thresholds: cluster.thresholds.map(thresholdJson) },
    observability_name: cluster.observabilityName ?? cluster.name,
    ...(cluster.edsServiceName && { eds_service_name: cluster.edsServiceName }),
  };
}

function thresholdJson(threshold: ThresholdSnapshot): object {
  return {
    ...(threshold.priority === 'high' && { priority: 'HIGH' }),
    max_connections: threshold.maxConnections,
    max_pending_requests: threshold.maxPendingRequests,
    max_requests: threshold.maxRequests,
    max_retries: threshold.maxRetries,
  };
}

function hostJson(host: HostSnapshot): { address: AddressJson } {
  const { region, zone, subZone } = host.locality;
  const fields = {
    address: addressJson(host.address),
    stats: hostStatsJson(host.stats),
    health_status: healthJson(host.healthFlags),
    ...percent('success_rate', host.successRate),
    weight: host.weight,
    ...(host.hostname !== '' && { hostname: host.hostname }),
    ...(host.priority > 0 && { priority: host.priority }),
    ...percent('local_origin_success_rate', host.localOriginSuccessRate),
    locality: { ...(region && { region }), ...(zone && { zone }), ...(subZone && { sub_zone: subZone }) },
  };
  return fields;
}

/** 64-bit numbers are strings in the JSON form of protobuf, and zeros are left out. */
function hostStatsJson(stats: HostStatsSnapshot): object[] {
  const one = (name: string, value: number | undefined, type?: 'GAUGE'): object[] =>
    value === undefined ? [] : [{ ...(type && { type }), ...(value !== 0 && { value: String(value) }), name }];
  return [
    ...COUNTERS.flatMap(([name, field]) => one(name, stats[field])),
    ...GAUGES.flatMap(([name, field]) => one(name, stats[field], 'GAUGE')),
  ];
}

function healthJson(flags: readonly HealthFlag[]): object {
  const fields = flags.flatMap((flag) => {
    const field = FLAG_FIELDS[flag];
    return field === undefined ? [] : [[field, true] as const];
  });
  return { ...Object.fromEntries(fields), eds_health_status: edsStatus(flags) };
}

function edsStatus(flags: readonly HealthFlag[]): string {
  if (flags.includes('eds_status_draining')) return 'DRAINING';
  if (flags.includes('failed_eds_health')) return 'UNHEALTHY';
  return flags.includes('degraded_eds_health') ? 'DEGRADED' : 'HEALTHY';
}

function percent(field: string, value: number | undefined): object {
  return value === undefined || value < 0 ? {} : { [field]: { value } };
}
