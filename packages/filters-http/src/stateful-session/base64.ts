/** Base64 as Envoy reads it: whole groups with their padding, nothing else. */

const FORM = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The bytes of a text; none when it is not well-formed. */
export function fromBase64(text: string): Buffer {
  return FORM.test(text) ? Buffer.from(text, 'base64') : Buffer.alloc(0);
}

/** The text of a text of one byte per character. */
export function toBase64(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64');
}
