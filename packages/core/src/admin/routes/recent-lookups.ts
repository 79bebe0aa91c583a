/**
 * `/stats/recentlookups`: which stats were looked up by name. Envoy's way to find code that does so for every request.
 * Here metrics are found once, when the config arrives, so there is never anything to tell.
 */
import { type AdminRoute, text } from '../route.ts';

const EMPTY = `Lookup tracking is not enabled. Use /stats/recentlookups/enable to enable.

total: 0
`;

const done: AdminRoute['handle'] = () => text('OK\n');

/** The list, and the switches of its recording. */
export const recentLookupRoutes: readonly AdminRoute[] = [
  { path: '/stats/recentlookups', help: 'Show recent stat-name lookups', handle: () => text(EMPTY) },
  {
    path: '/stats/recentlookups/clear',
    help: 'clear list of stat-name lookups and counter',
    mutates: true,
    handle: done,
  },
  {
    path: '/stats/recentlookups/disable',
    help: 'disable recording of reset stat-name lookup names',
    mutates: true,
    handle: done,
  },
  {
    path: '/stats/recentlookups/enable',
    help: 'enable recording of reset stat-name lookup names',
    mutates: true,
    handle: done,
  },
];
