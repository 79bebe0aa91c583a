/** spdlog patterns (`[%Y-%m-%d %T.%e][%t][%l][%n] %v`), compiled once to a function. */
import type { LogSeverity } from './log-level.ts';

/** Envoy's default format without `[%g:%#]`: where in the source a line was written is not recorded. */
export const DEFAULT_LOG_FORMAT = '[%Y-%m-%d %T.%e][%t][%l][%n] %v';

/** One thing said. */
export interface LogEntry {
  /** Unix time in milliseconds. */
  readonly timeMs: number;
  readonly level: LogSeverity;
  readonly component: string;
  readonly message: string;
}

type Part = (entry: LogEntry, time: Date) => string;

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;
const MONTHS = 'January February March April May June July August September October November December'.split(' ');

const two = (value: number): string => String(value).padStart(2, '0');
const clockTime: Part = (_entry, time) => `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
const threadId: Part = () => String(process.pid);

/** What each flag prints. Times are local, as in spdlog; fractions end at the millisecond. */
const FLAGS: Readonly<Record<string, Part>> = {
  v: ({ message }) => escapeControls(message),
  _: ({ message }) => escapeControls(message),
  j: ({ message }) => JSON.stringify(message).slice(1, -1),
  n: ({ component }) => escapeControls(component),
  l: ({ level }) => level,
  L: ({ level }) => level.charAt(0).toUpperCase(),
  t: threadId,
  P: threadId,
  Y: (_entry, time) => String(time.getFullYear()),
  C: (_entry, time) => two(time.getFullYear() % 100),
  m: (_entry, time) => two(time.getMonth() + 1),
  d: (_entry, time) => two(time.getDate()),
  H: (_entry, time) => two(time.getHours()),
  I: (_entry, time) => two(time.getHours() % 12 || 12),
  M: (_entry, time) => two(time.getMinutes()),
  S: (_entry, time) => two(time.getSeconds()),
  p: (_entry, time) => (time.getHours() < 12 ? 'AM' : 'PM'),
  e: (_entry, time) => String(time.getMilliseconds()).padStart(3, '0'),
  f: (_entry, time) => `${String(time.getMilliseconds()).padStart(3, '0')}000`,
  F: (_entry, time) => `${String(time.getMilliseconds()).padStart(3, '0')}000000`,
  E: ({ timeMs }) => String(Math.floor(timeMs / 1000)),
  T: clockTime,
  X: clockTime,
  R: (_entry, time) => `${two(time.getHours())}:${two(time.getMinutes())}`,
  D: (_entry, time) => `${two(time.getMonth() + 1)}/${two(time.getDate())}/${two(time.getFullYear() % 100)}`,
  a: (_entry, time) => (DAYS[time.getDay()] as string).slice(0, 3),
  A: (_entry, time) => DAYS[time.getDay()] as string,
  b: (_entry, time) => (MONTHS[time.getMonth()] as string).slice(0, 3),
  B: (_entry, time) => MONTHS[time.getMonth()] as string,
  z: (_entry, time) => zone(-time.getTimezoneOffset()),
  '%': () => '%',
};

const SOURCE_FLAGS = new Set(['g', '#', 's', '@', '!']);

/**
 * Compiles a pattern; the result ends with a line feed. Flags: `%v` message, `%_` `%j` message escaped, `%n` component,
 * `%l` `%L` level, `%t` `%P` process id, the date and time flags of spdlog, `%%`. A width may stand before the letter:
 * `%8l` right, `%-8l` left, `%=8l` centre. `[%g:%#]`, a part of Envoy's default pattern, is left out.
 * @throws RangeError for a flag that does not exist or cannot be told.
 */
export function compileLogFormat(format: string): (entry: LogEntry) => string {
  const parts: (Part | string)[] = [];
  const pattern = format.replace(/\[%g:%#\] ?/g, '');
  const flags = /%([-=]?)(\d{0,2})(.)?/gsu;
  let end = 0;
  for (const match of pattern.matchAll(flags)) {
    parts.push(pattern.slice(end, match.index), flagPart(match));
    end = match.index + match[0].length;
  }
  parts.push(pattern.slice(end));
  return (entry) => {
    const time = new Date(entry.timeMs);
    let line = '';
    for (const part of parts) line += typeof part === 'string' ? part : part(entry, time);
    return `${line}\n`;
  };
}

function flagPart([text, align, width, flag]: RegExpMatchArray): Part {
  const print = flag === undefined ? undefined : FLAGS[flag];
  if (print === undefined || !Object.hasOwn(FLAGS, flag as string)) {
    const why = SOURCE_FLAGS.has(flag ?? '') ? 'places in the source are not recorded' : 'there is no such flag';
    throw new RangeError(`invalid log format: ${text}: ${why}`);
  }
  const wanted = Number(width);
  return wanted === 0 ? print : (entry, time) => pad(print(entry, time), align ?? '', wanted);
}

function pad(text: string, align: string, width: number): string {
  if (align === '-') return text.padEnd(width);
  if (align === '') return text.padStart(width);
  const missing = Math.max(0, width - text.length);
  return text.padStart(text.length + Math.floor(missing / 2)).padEnd(width);
}

function zone(minutes: number): string {
  const away = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(away / 60))}:${two(away % 60)}`;
}

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Messages quote what peers and configs said: a line feed in one must not forge a second entry. */
function escapeControls(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, (control) => {
    return NAMED[control] ?? `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
