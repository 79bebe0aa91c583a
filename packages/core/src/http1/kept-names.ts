/** Field names as they were written, for peers that look at their case (Envoy's `header_key_format`). */

import type { WrittenNames } from '../headers/header-map.ts';
import type { NameFormat } from './options.ts';

/** The names of one head in the form in which they came; made only when the codec is told to keep them. */
export class KeptNames implements WrittenNames {
  /** The reason phrase of a response's status line, when it is to be passed on. */
  reason: string | undefined = undefined;
  private readonly written = new Map<string, string>();
  /** For fields that were added here. */
  private readonly own: NameFormat;

  constructor(own: NameFormat) {
    this.own = own;
  }

  /** Records a name; of several spellings the first counts. */
  keep(written: string): void {
    const name = written.toLowerCase();
    if (!this.written.has(name)) this.written.set(name, written);
  }

  /** The form in which `name`, which is lower case, goes out. */
  format(name: string): string {
    return this.written.get(name) ?? (this.own === 'proper' ? properCase(name) : name);
  }
}

/** Writes the names of a serialized head, start line first, in their kept or configured form. */
export function writeNames(text: string, kept: WrittenNames | undefined, format: NameFormat): string {
  if (kept === undefined && format === 'lower') return text;
  const lines = text.split('\r\n');
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] as string;
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const name = line.slice(0, colon);
    lines[i] = (kept === undefined ? properCase(name) : kept.format(name)) + line.slice(colon);
  }
  return lines.join('\r\n');
}

/** Envoy's words end at every character that is no letter or digit. */
function properCase(name: string): string {
  return name.replace(
    /(^|[^a-z0-9])([a-z])/g,
    (_whole, before: string, letter: string) => before + letter.toUpperCase(),
  );
}
