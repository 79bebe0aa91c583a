/** `/` and `/help`: every command, as a page with forms and as text. */
import { escapeHtml, page } from '../html.ts';
import { type AdminParam, type AdminRoute, html, text } from '../route.ts';

/** The two listings of `routes`, which must not contain themselves. */
export function helpRoutes(routes: () => readonly AdminRoute[]): readonly AdminRoute[] {
  return [
    {
      path: '/',
      help: 'Admin home page',
      handle: () => html(homePage(routes())),
    },
    {
      path: '/help',
      help: 'print out list of admin commands',
      handle: () => text(helpText(routes())),
    },
  ];
}

/** The list of commands that also follows `invalid path. `. */
export function helpText(routes: readonly AdminRoute[]): string {
  let list = 'admin commands are:\n';
  for (const route of routes) {
    list += `  ${route.path}${route.mutates ? ' (POST)' : ''}: ${route.help}\n`;
    for (const param of route.params ?? []) list += `      ${param.id}: ${param.help}${choices(param)}\n`;
  }
  return list;
}

function choices(param: AdminParam): string {
  return param.type === 'enum' ? `; One of (${(param.values ?? []).join(', ')})` : '';
}

function homePage(routes: readonly AdminRoute[]): Iterable<string> {
  const rows = routes.filter(({ path }) => path !== '/').map((route, index) => routeRows(route, index + 1));
  return page({ title: 'Admin' }, [
    "  <table class='home-table'>\n    <thead>\n      <tr>\n        <th class='home-data'>Command</th>\n",
    "        <th class='home-data'>Description</th>\n      </tr>\n    </thead>\n    <tbody>\n",
    ...rows,
    '    </tbody>\n  </table>\n',
  ]);
}

function routeRows(route: AdminRoute, index: number): string {
  const row = index % 2 === 0 ? "<tr class='gray'>" : '<tr>';
  const params = (route.params ?? []).map((param) => paramRow(param, route, index, row));
  return (
    "\n<tr class='vert-space'><td></td><td></td></tr>\n" +
    `${row}\n  <td class='home-data'>${command(route)}</td>\n  <td class='home-data'>${escapeHtml(route.help)}</td>\n</tr>\n` +
    params.join('')
  );
}

/** A link where nothing can be said, a form otherwise; only buttons that change something look like buttons. */
function command({ path, mutates, params = [] }: AdminRoute): string {
  const name = escapeHtml(path.slice(1));
  if (!mutates && params.length === 0) return `<a href='${name}'>${name}</a>`;
  const button = mutates ? `<button>${name}</button>` : `<button class='button-as-link'>${name}</button>`;
  const method = mutates ? 'post' : 'get';
  return `<form action='${name}' method='${method}' id='${name}' class='home-form'>\n    ${button}\n  </form>`;
}

function paramRow(param: AdminParam, { path }: AdminRoute, index: number, row: string): string {
  const form = escapeHtml(path.slice(1));
  const id = escapeHtml(`param-${index}-${path.slice(1).replaceAll('/', '-')}-${param.id}`);
  return (
    `${row}\n  <td class='option'>${input(param, form, id)}</td>\n` +
    `  <td class='home-data'><label for='${id}'>${escapeHtml(param.help)}</label></td>\n</tr>\n`
  );
}

function input(param: AdminParam, form: string, id: string): string {
  const attributes = `name='${escapeHtml(param.id)}' id='${id}' form='${form}'`;
  if (param.type === 'boolean') return `<input type='checkbox' ${attributes}>`;
  if (param.type === 'string') return `<input type='text' ${attributes} />`;
  const options = (param.values ?? []).map((value) => {
    const safe = escapeHtml(value);
    return `      <option value='${safe}'>${safe}</option>\n`;
  });
  return `\n    <select ${attributes}>\n${options.join('')}    </select>\n  `;
}
