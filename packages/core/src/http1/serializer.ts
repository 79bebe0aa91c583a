/** Heads as wire text. Canonical output only: CRLF line ends, lower-case names, framing fields only from the codec. */
import { STATUS_CODES } from 'node:http';
import type { HeaderMap } from '../headers/header-map.ts';
import { KNOWN_NAMES } from '../headers/names.ts';

const STATUS_LINES: string[] = [];
/** Where Envoy says something else than Node.js. */
const PHRASES: Readonly<Record<number, string>> = {
  418: 'Unknown',
  451: 'Unknown',
  599: 'Last Unassigned Server Error Code',
};
for (let status = 100; status < 600; status++) {
  STATUS_LINES[status] = `HTTP/1.1 ${status} ${PHRASES[status] ?? STATUS_CODES[status] ?? 'Unknown'}`;
}

/** `HTTP/1.1 200 OK`, without the line end. */
export function statusLine(status: number): string {
  return STATUS_LINES[status] ?? `HTTP/1.1 ${status} Unknown`;
}

/** The status line of an answer to an HTTP/1.0 client, or with a reason phrase of the upstream's own. */
export function rareStatusLine(status: number, minor: number, reason: string | undefined): string {
  const line = reason === undefined ? statusLine(status) : `HTTP/1.1 ${status} ${reason}`;
  return minor === 0 ? `HTTP/1.0${line.slice(8)}` : line;
}

/** Fields that say where a message ends or whether the connection stays; the codec writes its own. */
const CODEC_FIELDS = ['connection', 'content-length', 'keep-alive', 'proxy-connection', 'transfer-encoding'];

/** `CRLF name: ` for known names: one look-up saves two concatenations per field. '' for fields left out. */
const LINE_STARTS = new Map<string, string>();
for (const name of KNOWN_NAMES) LINE_STARTS.set(name, `\r\n${name}: `);
for (const name of CODEC_FIELDS) LINE_STARTS.set(name, '');

/** `CRLF name: value` for each field but the codec's own: whatever a filter put there cannot break the framing. */
export function fieldLines(head: HeaderMap): string {
  const fields = head.fields;
  let text = '';
  for (let i = 0; i < fields.length; i += 2) {
    const start = LINE_STARTS.get(fields[i] as string);
    if (start === undefined) text += `\r\n${fields[i]}: ${fields[i + 1]}`;
    else if (start !== '') text += start + fields[i + 1];
  }
  return text;
}

/** The reason phrase, which is also the body of a codec error reply. */
export function reasonPhrase(status: number): string {
  return STATUS_CODES[status] ?? 'Unknown';
}
