/** Numbers as the C++ formatters that Envoy uses write them. */

/** `%.<digits>g`: significant digits without trailing zeros, an exponent only where it is shorter; NaN is `nan`. */
export function formatG(value: number, digits = 6): string {
  if (Number.isNaN(value)) return 'nan';
  const text = value.toPrecision(digits);
  const [mantissa = '', exponent] = text.split('e');
  const short = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  if (exponent !== undefined) return `${short}e${padExponent(exponent)}`;
  // toPrecision switches to an exponent below 1e-6, %g below 1e-4.
  if (value !== 0 && Math.abs(value) < 1e-4) return formatSmall(value, digits);
  return short;
}

/** The shortest text that reads back as the same number; NaN is `nan`. */
export function formatShortest(value: number): string {
  return Number.isNaN(value) ? 'nan' : String(value);
}

/** The shortest of the plain and the exponent form, as JSON printed by Envoy has it: `300000` is `3e+05`; NaN is null. */
export function formatJsonNumber(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  const plain = String(value);
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e');
  const scientific = `${mantissa}e${padExponent(exponent)}`;
  return scientific.length < plain.length ? scientific : plain;
}

function formatSmall(value: number, digits: number): string {
  const [mantissa = '', exponent = '0'] = value.toExponential(digits - 1).split('e');
  return `${mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa}e${padExponent(exponent)}`;
}

/** C writes at least two digits. */
function padExponent(exponent: string): string {
  const sign = exponent.startsWith('-') ? '-' : '+';
  return sign + exponent.replace(/^[+-]/, '').padStart(2, '0');
}
