/** The frame of the admin pages: no scripts, nothing from elsewhere. What is not ours goes through {@link escapeHtml}. */
import { escapeHtml } from '../stats/text.ts';

export { escapeHtml };

const STYLE = `
body { font-family: sans-serif; font-size: medium; margin: 16px; color: #222; }
nav { margin-bottom: 12px; padding-bottom: 8px; border-bottom: 1px solid #ccc; }
nav a { margin-right: 14px; }
a { color: #069; }
h1 { font-size: large; margin: 8px 0; }
h2 { font-size: medium; margin: 20px 0 4px; }
pre { font-size: small; }
table { border-collapse: collapse; border-spacing: 0; }
.data th, .data td { text-align: left; padding: 3px 10px 3px 4px; border-bottom: 1px solid #ddd; vertical-align: top; }
.data .number { text-align: right; }
.bad { color: #b00; }
.good { color: #070; }
.quiet { color: #777; }
.home-data { text-align: left; padding: 4px; }
.home-form { margin-bottom: 0; }
.button-as-link { background: none!important; border: none; padding: 0!important; font-family: sans-serif;
  font-size: medium; color: #069; text-decoration: underline; cursor: pointer; }
.gray { background-color: #dddddd; }
.vert-space { height: 4px; }
.option { padding: 4px 4px 4px 20px; text-align: right; }
`;

/** The pages that every page links to. */
const PAGES = [
  ['/', 'home'],
  ['/clusters?format=html', 'clusters'],
  ['/listeners?format=html', 'listeners'],
  ['/routes', 'routes'],
  ['/stats?format=html', 'stats'],
  ['/config_dump', 'config dump'],
  ['/server_info', 'server info'],
] as const;

/** What a page is about. */
export interface PageOptions {
  readonly title: string;
  /** The browser asks again after so many seconds. */
  readonly refreshS?: number;
}

/** A whole page around pieces of HTML that are already safe. */
export function* page({ title, refreshS }: PageOptions, body: Iterable<string>): Generator<string, void, undefined> {
  const refresh = refreshS === undefined ? '' : `  <meta http-equiv='refresh' content='${refreshS}'>\n`;
  const links = PAGES.map(([href, name]) => `<a href='${href}'>${name}</a>`).join('\n');
  yield `<!DOCTYPE html>\n<html lang='en'>\n<head>\n  <meta charset='utf-8'>\n${refresh}` +
    `  <title>${escapeHtml(title)} - Mesh Admin</title>\n<style>${STYLE}</style>\n</head>\n` +
    `<body>\n<nav>${links}</nav>\n<h1>${escapeHtml(title)}</h1>\n`;
  yield* body;
  yield '</body>\n</html>\n';
}

/** A cell of a table: a text, which is escaped, or a number; with a class of the style sheet when it has one. */
export type Cell = string | number | { readonly text: string; readonly style: 'good' | 'bad' | 'quiet' };

/** A table with a line of headings. */
export function* table(
  headings: readonly string[],
  rows: Iterable<readonly Cell[]>,
): Generator<string, void, undefined> {
  const head = headings.map((heading) => `<th>${escapeHtml(heading)}</th>`).join('');
  yield `<table class='data'>\n<thead><tr>${head}</tr></thead>\n<tbody>\n`;
  for (const row of rows) yield `<tr>${row.map(cell).join('')}</tr>\n`;
  yield '</tbody>\n</table>\n';
}

function cell(value: Cell): string {
  if (typeof value === 'number') return `<td class='number'>${value}</td>`;
  if (typeof value === 'string') return `<td>${escapeHtml(value)}</td>`;
  return `<td class='${value.style}'>${escapeHtml(value.text)}</td>`;
}
