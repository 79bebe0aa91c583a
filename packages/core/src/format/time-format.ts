/** Times as text: the `strftime` of formats, with Envoy's and Abseil's specifiers for parts of a second. */

/** Prints Unix milliseconds (with fractions). */
export type TimeFormat = (wallMs: number) => string;

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = 'January February March April May June July August September October November December'.split(' ');

/** The calendar of one moment, in UTC or in the time zone of the process. */
interface Moment {
  readonly date: Date;
  readonly year: number;
  /** 0 is January. */
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  /** 0 is the first of January. */
  readonly yearDay: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** Nine digits. */
  readonly nanos: string;
  readonly unixSeconds: number;
  /** Minutes east of UTC. */
  readonly offset: number;
  readonly local: boolean;
}

const LOCAL_DEFAULT = '%Y-%m-%dT%H:%M:%E3S%z';

type Piece = (moment: Moment) => string;

/** Newlines may not get into a header through a format. */
const NEWLINE = /%[-_0^#]*[1-9]*[EO]?n/;
/** Abseil's own specifiers first, then those of Envoy, then those of the C library. */
const SPECIFIER = /%(?:E([0-9]|\*)([Sf])|E4Y|(E\*|E|:{1,3})z|ET|([1-9])?f|[EO]?[-_0^#]*([a-zA-Z%]))/y;

/**
 * Compiles a pattern; an empty one is ISO 8601 with milliseconds.
 * @throws SyntaxError when the pattern prints line breaks.
 */
export function compileTimeFormat(pattern: string, local: boolean): TimeFormat {
  if (NEWLINE.test(pattern)) throw new SyntaxError('Invalid header configuration. Format string contains newline.');
  if (pattern === '' && !local) return isoFormat();
  const pieces = parse(pattern === '' ? LOCAL_DEFAULT : pattern);
  return (wallMs) => {
    const moment = momentOf(wallMs, local);
    let text = '';
    for (const piece of pieces) text += typeof piece === 'string' ? piece : piece(moment);
    return text;
  };
}

/** ISO 8601 with milliseconds; what is the same for a second is kept. */
function isoFormat(): TimeFormat {
  let second = Number.NaN;
  let start = '';
  return (wallMs) => {
    const now = Math.floor(wallMs / 1000);
    if (now !== second) {
      start = new Date(now * 1000).toISOString().slice(0, -4);
      second = now;
    }
    const ms = Math.floor(wallMs) - now * 1000;
    return start + (ms < 10 ? `00${ms}Z` : ms < 100 ? `0${ms}Z` : `${ms}Z`);
  };
}

function parse(pattern: string): readonly (string | Piece)[] {
  const pieces: (string | Piece)[] = [];
  let literal = '';
  for (let i = 0; i < pattern.length; ) {
    SPECIFIER.lastIndex = i;
    const match = pattern[i] === '%' ? SPECIFIER.exec(pattern) : null;
    const piece = match === null ? undefined : pieceOf(match);
    if (match === null || piece === undefined) {
      literal += match?.[0] ?? pattern[i];
    } else {
      if (literal !== '') pieces.push(literal);
      literal = '';
      pieces.push(piece);
    }
    i += match?.[0].length ?? 1;
  }
  if (literal !== '') pieces.push(literal);
  return pieces;
}

function pieceOf(match: RegExpExecArray): string | Piece | undefined {
  const [whole, width, kind, zone, digits, letter] = match;
  if (kind === 'S') return (moment) => pad(moment.second) + fraction(moment, width as string, '.');
  if (kind === 'f') return (moment) => fraction(moment, width as string, '') || '0';
  if (whole === '%E4Y') return (moment) => String(moment.year).padStart(4, '0');
  if (whole === '%ET') return 'T';
  if (zone !== undefined) return (moment) => zoneOffset(moment, ZONE_FORMS[zone] as ZoneForm);
  if (whole.endsWith('f') && letter === undefined) {
    return ({ nanos }) => nanos.slice(0, digits === undefined ? 9 : Number(digits));
  }
  return letter === undefined ? undefined : PIECES[letter];
}

type ZoneForm = 'minutes' | 'seconds' | 'shortest';
const ZONE_FORMS: Readonly<Record<string, ZoneForm>> = {
  E: 'minutes',
  ':': 'minutes',
  'E*': 'seconds',
  '::': 'seconds',
  ':::': 'shortest',
};

function fraction({ nanos }: Moment, width: string, before: string): string {
  const digits = width === '*' ? nanos.replace(/0+$/, '') : nanos.slice(0, Number(width));
  return digits === '' ? '' : before + digits;
}

const PIECES: Readonly<Record<string, string | Piece>> = {
  '%': '%',
  t: '\t',
  a: ({ weekday }) => (DAYS[weekday] as string).slice(0, 3),
  A: ({ weekday }) => DAYS[weekday] as string,
  b: ({ month }) => (MONTHS[month] as string).slice(0, 3),
  h: ({ month }) => (MONTHS[month] as string).slice(0, 3),
  B: ({ month }) => MONTHS[month] as string,
  C: ({ year }) => pad(Math.floor(year / 100)),
  d: ({ day }) => pad(day),
  e: ({ day }) => blank(day),
  g: (moment) => pad(isoWeek(moment).year % 100),
  G: (moment) => String(isoWeek(moment).year),
  H: ({ hour }) => pad(hour),
  I: ({ hour }) => pad(hour % 12 || 12),
  j: ({ yearDay }) => String(yearDay + 1).padStart(3, '0'),
  k: ({ hour }) => blank(hour),
  l: ({ hour }) => blank(hour % 12 || 12),
  m: ({ month }) => pad(month + 1),
  M: ({ minute }) => pad(minute),
  p: ({ hour }) => (hour < 12 ? 'AM' : 'PM'),
  P: ({ hour }) => (hour < 12 ? 'am' : 'pm'),
  s: ({ unixSeconds }) => String(unixSeconds),
  S: ({ second }) => pad(second),
  u: ({ weekday }) => String(weekday || 7),
  U: ({ weekday, yearDay }) => pad(Math.floor((yearDay + 7 - weekday) / 7)),
  V: (moment) => pad(isoWeek(moment).week),
  w: ({ weekday }) => String(weekday),
  W: ({ weekday, yearDay }) => pad(Math.floor((yearDay + 7 - ((weekday + 6) % 7)) / 7)),
  y: ({ year }) => pad(year % 100),
  Y: ({ year }) => String(year),
  z: ({ offset }) => `${offset < 0 ? '-' : '+'}${pad(Math.abs(offset) / 60)}${pad(Math.abs(offset) % 60)}`,
  Z: (moment) => (moment.local ? zoneName(moment.date) : 'UTC'),
  ...composed({
    c: '%a %b %e %H:%M:%S %Y',
    D: '%m/%d/%y',
    F: '%Y-%m-%d',
    r: '%I:%M:%S %p',
    R: '%H:%M',
    T: '%H:%M:%S',
    x: '%m/%d/%y',
    X: '%H:%M:%S',
  }),
};

function composed(patterns: Readonly<Record<string, string>>): Record<string, Piece> {
  const entries = Object.entries(patterns).map(([letter, pattern]): [string, Piece] => {
    let pieces: readonly (string | Piece)[] | undefined;
    return [
      letter,
      (moment) => {
        pieces ??= parse(pattern);
        return pieces.map((piece) => (typeof piece === 'string' ? piece : piece(moment))).join('');
      },
    ];
  });
  return Object.fromEntries(entries);
}

function momentOf(wallMs: number, local: boolean): Moment {
  const date = new Date(Math.floor(wallMs));
  const offset = local ? -date.getTimezoneOffset() : 0;
  // The UTC fields of the shifted moment are the local ones.
  const shifted = offset === 0 ? date : new Date(date.getTime() + offset * 60_000);
  const year = shifted.getUTCFullYear();
  const unixSeconds = Math.floor(wallMs / 1000);
  const micros = Math.floor((wallMs - unixSeconds * 1000) * 1000 + 0.001);
  return {
    date,
    year,
    month: shifted.getUTCMonth(),
    day: shifted.getUTCDate(),
    weekday: shifted.getUTCDay(),
    yearDay: Math.floor((shifted.getTime() - Date.UTC(year, 0, 1)) / 86_400_000),
    hour: shifted.getUTCHours(),
    minute: shifted.getUTCMinutes(),
    second: shifted.getUTCSeconds(),
    nanos: `${String(Math.min(micros, 999_999)).padStart(6, '0')}000`,
    unixSeconds,
    offset,
    local,
  };
}

/** ISO 8601: week 1 holds the first Thursday of its year. */
function isoWeek({ year, month, day, weekday }: Moment): { readonly year: number; readonly week: number } {
  const thursday = new Date(Date.UTC(year, month, day + 4 - (weekday || 7)));
  const isoYear = thursday.getUTCFullYear();
  const days = (thursday.getTime() - Date.UTC(isoYear, 0, 1)) / 86_400_000;
  return { year: isoYear, week: Math.floor(days / 7) + 1 };
}

function zoneOffset({ offset }: Moment, form: ZoneForm): string {
  const minutes = Math.abs(offset);
  const hours = `${offset < 0 ? '-' : '+'}${pad(minutes / 60)}`;
  if (form === 'shortest' && minutes % 60 === 0) return hours;
  return `${hours}:${pad(minutes % 60)}${form === 'seconds' ? ':00' : ''}`;
}

function zoneName(date: Date): string {
  const parts = new Intl.DateTimeFormat('en', { timeZoneName: 'short' }).formatToParts(date);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'UTC';
}

function pad(value: number): string {
  return String(Math.floor(value)).padStart(2, '0');
}

function blank(value: number): string {
  return String(value).padStart(2, ' ');
}
