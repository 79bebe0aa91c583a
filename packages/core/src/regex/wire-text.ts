/** The form that configured text has on the wire. */

/**
 * Configured text as heads hold it: one character per byte. Heads are read as latin1, so `é` in a configuration file
 * is met as its two UTF-8 bytes.
 */
export function wireText(text: string): string {
  return /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** Lower-cases ASCII letters only, as Envoy does; text without upper-case letters is returned as it is. */
export function lowerAscii(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 65 && code <= 90) return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  }
  return text;
}
