/** `/stats` as a page: the same text, with a form above it. `active-html` asks for itself again every few seconds. */
import { type StatsQuery, type StatsView, textPieces } from '../../stats/index.ts';
import { escapeHtml, page } from '../html.ts';
import type { AdminParam, AdminRequest } from '../route.ts';

const REFRESH_S = 5;

/** The metrics that `query` keeps, and `request` again as a form to change. */
export function statsPage(
  view: StatsView,
  query: StatsQuery,
  request: AdminRequest,
  params: readonly AdminParam[],
): Iterable<string> {
  const active = request.query.get('format') === 'active-html';
  const options = { title: 'Stats', ...(active && { refreshS: REFRESH_S }) };
  return page(options, body(view, query, request, params));
}

function* body(
  view: StatsView,
  query: StatsQuery,
  request: AdminRequest,
  params: readonly AdminParam[],
): Generator<string, void, undefined> {
  yield "<form action='/stats' method='get'>\n";
  for (const param of params)
    yield `<label>${escapeHtml(param.id)} ${input(param, request.query.get(param.id))}</label>\n`;
  yield '<button>show</button>\n</form>\n<pre>\n';
  for (const piece of textPieces(view, query)) {
    // Text readouts come escaped already.
    yield escapeHtml(piece).replace(/&amp;(amp|lt|gt|quot|#39);/g, '&$1;');
  }
  yield '</pre>\n';
}

/** A field that holds what was asked for. */
function input({ id, type, values = [] }: AdminParam, given: string | undefined): string {
  const name = escapeHtml(id);
  if (type === 'boolean') return `<input type='checkbox' name='${name}'${given === undefined ? '' : ' checked'}>`;
  if (type === 'string') return `<input type='text' name='${name}' value='${escapeHtml(given ?? '')}'>`;
  const options = values.map((value) => {
    const safe = escapeHtml(value);
    return `<option value='${safe}'${value === given ? ' selected' : ''}>${safe}</option>`;
  });
  return `<select name='${name}'>${options.join('')}</select>`;
}
