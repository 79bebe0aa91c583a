/** `/stats`, `/stats/prometheus` and `/reset_counters`. */
import {
  type HistogramMode,
  jsonPieces,
  PROMETHEUS_CONTENT_TYPE,
  prometheusPieces,
  type StatsQuery,
  type StatsType,
  textPieces,
} from '../../stats/index.ts';
import type { AdminContext } from '../context.ts';
import { statsPage } from '../pages/stats.ts';
import {
  type AdminParam,
  type AdminReply,
  type AdminRequest,
  type AdminRoute,
  html,
  regexParam,
  text,
} from '../route.ts';

const TYPES: readonly StatsType[] = ['All', 'Counters', 'Histograms', 'Gauges', 'TextReadouts'];
const MODES: readonly HistogramMode[] = ['cumulative', 'disjoint', 'detailed', 'summary'];
const FORMATS = ['html', 'active-html', 'text', 'json'];

const USED_ONLY: AdminParam = {
  id: 'usedonly',
  type: 'boolean',
  help: 'Only include stats that have been written by system since restart',
};
const FILTER: AdminParam = {
  id: 'filter',
  type: 'string',
  help: 'Regular expression (Google re2) for filtering stats',
};
const INVERT: AdminParam = { id: 'invert_filter', type: 'boolean', help: 'Invert the filter regex' };
const BUCKETS = 'Histogram bucket display mode';
const HIDDEN = ['include', 'only', 'exclude'];
const FIELDS: readonly AdminParam[] = [
  USED_ONLY,
  FILTER,
  INVERT,
  { id: 'format', type: 'enum', values: FORMATS, help: 'Format to use' },
  { id: 'type', type: 'enum', values: TYPES, help: 'Stat types to include.' },
  { id: 'histogram_buckets', type: 'enum', values: MODES, help: BUCKETS },
];

/** Counters, gauges and histograms in four formats. */
export const statsRoutes: readonly AdminRoute[] = [
  {
    path: '/reset_counters',
    help: 'reset all counters to zero',
    mutates: true,
    async handle(_request, context) {
      await context.resetCounters();
      return text('OK\n');
    },
  },
  {
    path: '/stats',
    help: 'print server stats',
    params: FIELDS,
    handle: stats,
  },
  {
    path: '/stats/prometheus',
    help: 'print server stats in prometheus format',
    params: [
      USED_ONLY,
      {
        id: 'text_readouts',
        type: 'boolean',
        help: 'Render text_readouts as new gaugues with value 0 (increases Prometheus data size)',
      },
      FILTER,
      INVERT,
      { id: 'histogram_buckets', type: 'enum', values: ['cumulative', 'summary'], help: BUCKETS },
    ],
    handle: prometheus,
  },
];

async function stats(request: AdminRequest, context: AdminContext): Promise<AdminReply> {
  const format = request.query.get('format') || 'text';
  if (format === 'prometheus') return prometheus(request, context);
  if (!FORMATS.includes(format)) return text('usage: /stats?format=(html|active-html|json|prometheus|text)\n\n', 400);
  const query = parseStatsQuery(request);
  if (typeof query === 'string') return text(query, 400);
  const view = await context.stats();
  if (format === 'json') return { status: 200, contentType: 'application/json', body: jsonPieces(view, query) };
  if (format === 'text') return text(textPieces(view, query));
  return html(statsPage(view, query, request, FIELDS));
}

async function prometheus(request: AdminRequest, context: AdminContext): Promise<AdminReply> {
  const mode = histogramMode(request) ?? 'cumulative';
  if (mode !== 'cumulative' && mode !== 'summary') return text('unsupported prometheus histogram bucket mode', 400);
  const filter = parseFilter(request);
  if (typeof filter === 'string') return text(filter, 400);
  const body = prometheusPieces(await context.stats(), {
    ...filter,
    usedOnly: request.query.has('usedonly'),
    textReadouts: request.query.has('text_readouts'),
    histogramMode: mode,
  });
  return { status: 200, contentType: PROMETHEUS_CONTENT_TYPE, body };
}

/** The query of a request, or the text of its 400. */
function parseStatsQuery(request: AdminRequest): StatsQuery | string {
  const filter = parseFilter(request);
  if (typeof filter === 'string') return filter;
  const type = TYPES.find((name) => name === (request.query.get('type') || 'All'));
  if (type === undefined) return 'invalid &type= param';
  const mode = histogramMode(request) ?? 'summary';
  if (!isMode(mode)) return `usage: /stats?histogram_buckets=(${MODES.join('|')})\n`;
  return { ...filter, type, histogramMode: mode, usedOnly: request.query.has('usedonly') };
}

function histogramMode(request: AdminRequest): string | undefined {
  const mode = request.query.get('histogram_buckets');
  return mode === '' || mode === 'none' ? undefined : mode;
}

function isMode(mode: string): mode is HistogramMode {
  return MODES.some((known) => known === mode);
}

function parseFilter(request: AdminRequest): Pick<StatsQuery, 'matches'> | string {
  const regex = regexParam(request, 'filter');
  if (typeof regex === 'string') return `Invalid re2 regex: ${regex}`;
  const hidden = request.query.get('hidden') || 'exclude';
  if (!HIDDEN.includes(hidden)) return 'usage: /stats?hidden=(include|only|exclude)\n\n';
  // No metric here is hidden, as those are whose scope Envoy's clusters hide.
  if (hidden === 'only') return { matches: () => false };
  if (regex === undefined) return {};
  const wanted = !request.query.has('invert_filter');
  return { matches: (name) => regex.test(name) === wanted };
}
