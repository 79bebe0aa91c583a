/** The form that configured text has on the wire. */

/**
 * Configured text as heads hold it: one character per byte. Heads are read as latin1, so `é` in a configuration file
 * is met as its two UTF-8 bytes.
 */
export function wireText(text: string): string {
  return /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}
