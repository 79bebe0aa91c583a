/** Configured text that becomes part of a request line or of a host. */
import { isFieldValue } from '../headers/validate.ts';
import { wireText } from './text.ts';

/**
 * The text as it stands on the wire.
 * @throws TypeError when a space or line break in it would end the request line early.
 */
export function checkedText(field: string, written = ''): string {
  const value = wireText(written);
  if (!isFieldValue(value) || /[\t ]/.test(value)) throw new TypeError(`invalid ${field}: ${JSON.stringify(written)}`);
  return value;
}
