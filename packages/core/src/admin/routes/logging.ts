/** `/logging` and `/reopen_logs`. */
import { type AdminContext, type AdminLogLevel, LOG_LEVELS } from '../context.ts';
import { type AdminReply, type AdminRequest, type AdminRoute, text } from '../route.ts';

const USAGE = `usage: /logging?<name>=<level> (change single level)
usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)
usage: /logging?level=<level> (change all levels)
usage: /logging?group=<group_name>:<level> (change group of loggers)
levels: ${LOG_LEVELS.join(' ')} 
`;

/** Who logs how much. */
export const loggingRoutes: readonly AdminRoute[] = [
  {
    path: '/logging',
    help: 'query/change logging levels',
    mutates: true,
    params: [
      {
        id: 'paths',
        type: 'string',
        help: 'Change multiple logging levels by setting to <logger_name1>:<desired_level1>,<logger_name2>:<desired_level2>. If fine grain logging is enabled, use __FILE__ or a glob experision as the logger name. For example, source/common*:warning',
      },
      {
        id: 'group',
        type: 'string',
        help: 'Change given logger group to desired level, set to <logger_group_name>:<desired_level>. logger_group_name must be a logger name.',
      },
      {
        id: 'level',
        type: 'enum',
        values: ['', ...LOG_LEVELS],
        help: "desired logging level, this will change all loggers's level",
      },
    ],
    handle: logging,
  },
  {
    path: '/reopen_logs',
    help: 'reopen access logs',
    mutates: true,
    async handle(_request, context) {
      await context.reopenLogs();
      return text('OK\n');
    },
  },
];

function logging(request: AdminRequest, context: AdminContext): AdminReply {
  const error = change(request.query, context);
  const levels = context.logging.levels().map(([name, level]) => `  ${name}: ${level}\n`);
  const active = `active loggers:\n${levels.join('')}\n`;
  return error === undefined ? text(active) : text(`error: ${error}\n\n${USAGE}${active}`, 400);
}

/** Applies a change; the answer is what was wrong with it. Nothing is changed unless all of it is valid. */
function change(query: ReadonlyMap<string, string>, context: AdminContext): string | undefined {
  // The form of the home page sends what was not filled in too.
  const given = [...query].filter(([, value]) => value !== '');
  const [first] = given;
  if (first === undefined) return undefined;
  if (given.length > 1) return 'invalid number of parameters';
  const [key, value] = first;
  if (key === 'level') return changeAll(value, context);
  if (key === 'group') return 'group parameter requires fine-grain logging to be enabled';
  const pairs =
    key === 'paths'
      ? value
          .split(',')
          .filter((pair) => pair !== '')
          .map(splitPair)
      : [[key, value] as const];
  return changeSome(pairs, context);
}

function changeAll(name: string, context: AdminContext): string | undefined {
  const level = levelOf(name);
  if (level === undefined) return 'unknown logger level';
  context.logging.setAll(level);
  return undefined;
}

function changeSome(pairs: readonly (readonly [string, string])[], context: AdminContext): string | undefined {
  const known = new Set(context.logging.levels().map(([name]) => name));
  const changes: [string, AdminLogLevel][] = [];
  for (const [name, levelName] of pairs) {
    if (name === '' || levelName === '') return 'empty logger name or empty logger level';
    const level = levelOf(levelName);
    if (level === undefined) return 'unknown logger level';
    if (!known.has(name)) return 'unknown logger name';
    changes.push([name, level]);
  }
  for (const [name, level] of changes) context.logging.set(name, level);
  return undefined;
}

function splitPair(pair: string): [string, string] {
  const colon = pair.lastIndexOf(':');
  return colon === -1 ? [pair, ''] : [pair.slice(0, colon), pair.slice(colon + 1)];
}

function levelOf(name: string): AdminLogLevel | undefined {
  return LOG_LEVELS.find((level) => level === name);
}
