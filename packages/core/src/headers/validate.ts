/** Field grammar checks for names and values that do not come from the parser: filters, config, local replies. */
import { KNOWN_NAMES, TOKEN } from './names.ts';

/** True for a token (RFC 9110 5.6.2). */
export function isToken(text: string): boolean {
  if (text.length === 0) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127 || TOKEN[code] === 0) return false;
  }
  return true;
}

/** True for a field value: visible characters, obs-text, space and tab; never CR, LF or NUL (RFC 9110 5.5). */
export function isFieldValue(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 127 || code > 255 || (code < 32 && code !== 9)) return false;
  }
  return true;
}

/** Names that passed, lower case: filters set the same few over and over. Bounded, since names may come from data. */
const passed = new Map<string, string>(KNOWN_NAMES.map((name) => [name, name]));
const MAX_PASSED = 2048;

/**
 * The lower-case name of a field that code sets; used at every door through which it does.
 * @throws TypeError naming what is wrong.
 */
export function checkField(name: string, value: string): string {
  const lower = passed.get(name) ?? passName(name);
  if (!isFieldValue(value)) throw new TypeError(`invalid value for header ${name}: ${JSON.stringify(value)}`);
  return lower;
}

function passName(name: string): string {
  if (!isToken(name)) throw new TypeError(`invalid header name ${JSON.stringify(name)}`);
  const lower = name.toLowerCase();
  if (passed.size < MAX_PASSED) passed.set(name, lower);
  return lower;
}

/** The lower-case form of a name that code asks for; legal names are remembered, so that most calls are a look-up. */
export function lowerName(name: string): string {
  return passed.get(name) ?? (isToken(name) ? passName(name) : name.toLowerCase());
}
