/** One runtime value in the forms in which it can be asked for. Parsed once, when its layer is loaded. */

/** A share that replaces the one in the configuration. */
export interface EntryFraction {
  readonly numerator: number;
  readonly denominator: number;
}

/** A value of a layer. */
export interface RuntimeEntry {
  /** As `/runtime` prints it. */
  readonly text: string;
  readonly integer: number | undefined;
  readonly boolean: boolean | undefined;
  readonly fraction: EntryFraction | undefined;
}

const MAX_UINT64 = 2 ** 64;
const DENOMINATORS: Readonly<Record<string, number>> = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 };

/** A value given as text: a file of a disk layer, a parameter of `/runtime_modify`, a string of a static layer. */
export function textEntry(text: string): RuntimeEntry {
  const stripped = text.trim();
  if (/^(true|false)$/i.test(stripped)) {
    return { text, integer: undefined, boolean: stripped.toLowerCase() === 'true', fraction: undefined };
  }
  const number = numberIn(text);
  const boolean = /^\d+$/.test(stripped) ? Number(stripped) !== 0 : undefined;
  const fraction = number === undefined ? fractionIn(text) : undefined;
  return { text, integer: unsigned(number), boolean, fraction };
}

/** A value of a static layer that is no map: text, a number or a boolean. */
export function valueEntry(value: string | number | boolean): RuntimeEntry {
  if (typeof value === 'string') return textEntry(value);
  if (typeof value === 'number') {
    return { text: sixDigits(value), integer: unsigned(value), boolean: value !== 0, fraction: undefined };
  }
  return { text: String(value), integer: undefined, boolean: value, fraction: undefined };
}

/** A map of a static layer that stands for a value: `{ numerator, denominator }`, or nothing at all. */
export function mapEntry(value: Readonly<Record<string, unknown>>): RuntimeEntry {
  return { text: JSON.stringify(value), integer: undefined, boolean: undefined, fraction: asFraction(value) };
}

function unsigned(number: number | undefined): number | undefined {
  return number !== undefined && number >= 0 && number <= MAX_UINT64 ? Math.trunc(number) : undefined;
}

/** What C's `strtod` reads of the whole text: leading spaces, a fraction, an exponent, hexadecimal digits. */
function numberIn(text: string): number | undefined {
  const match = /^\s*([-+]?)((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|0[xX][0-9a-fA-F]+)$/.exec(text);
  return match === null ? undefined : Number(match[2]) * (match[1] === '-' ? -1 : 1);
}

function fractionIn(text: string): EntryFraction | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return asFraction(JSON.parse(text) as Record<string, unknown>);
  } catch {
    return undefined;
  }
}

/** `undefined` when it is no `FractionalPercent`. As in Envoy a numerator that is no number counts as 0. */
function asFraction({
  numerator: given,
  denominator = 'HUNDRED',
  ...others
}: Readonly<Record<string, unknown>>): EntryFraction | undefined {
  const known = typeof denominator === 'string' && Object.hasOwn(DENOMINATORS, denominator);
  if (!known || Object.keys(others).length > 0) return undefined;
  const numerator = typeof given === 'number' ? given : 0;
  if (!Number.isInteger(numerator) || numerator < 0 || numerator > 0xffff_ffff) return undefined;
  return { numerator, denominator: DENOMINATORS[denominator] as number };
}

/** A number with six significant digits, as C's `%g` and so Envoy print it. */
function sixDigits(value: number): string {
  const rounded = Number(value.toPrecision(6));
  const exponent = rounded === 0 ? 0 : Number(/e([-+]\d+)$/.exec(rounded.toExponential())?.[1]);
  if (exponent >= -4 && exponent < 6) return String(rounded);
  const mantissa = rounded.toExponential().replace(/e.*$/, '');
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}
