/** Clusters and their hosts as a page. */
import { addressText } from '../address.ts';
import type { ClusterSnapshot, HostSnapshot } from '../context.ts';
import { type Cell, escapeHtml, page, table } from '../html.ts';

const HEADINGS = [
  'host',
  'health',
  'weight',
  'priority',
  'zone',
  'connections',
  'requests active',
  'requests',
  'errors',
  'timeouts',
  'connect failures',
];

/** One table per cluster. */
export function clustersPage(clusters: Iterable<ClusterSnapshot>): Iterable<string> {
  return page({ title: 'Clusters' }, sections(clusters));
}

function* sections(clusters: Iterable<ClusterSnapshot>): Generator<string, void, undefined> {
  for (const cluster of clusters) {
    const healthy = cluster.hosts.filter(({ healthFlags }) => healthFlags.length === 0).length;
    const state = `${healthy} of ${cluster.hosts.length} hosts healthy${cluster.addedViaApi ? ', added while running' : ''}`;
    yield `<h2>${escapeHtml(cluster.name)} <span class='quiet'>${state}</span></h2>\n`;
    yield* table(HEADINGS, cluster.hosts.map(hostRow));
  }
}

function hostRow(host: HostSnapshot): Cell[] {
  const { healthFlags, locality, stats } = host;
  const name = addressText(host.address);
  return [
    host.hostname === '' || host.hostname === name ? name : `${name} (${host.hostname})`,
    healthFlags.length === 0 ? { text: 'healthy', style: 'good' } : { text: healthFlags.join(', '), style: 'bad' },
    host.weight,
    host.priority,
    [locality.region, locality.zone, locality.subZone].filter((part) => part !== '').join('/'),
    stats.cxActive,
    stats.rqActive,
    stats.rqTotal,
    stats.rqError,
    stats.rqTimeout,
    stats.cxConnectFail,
  ];
}
