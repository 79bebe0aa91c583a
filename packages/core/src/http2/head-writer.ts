/** Heads to HPACK blocks. Only fields that HTTP/2 knows go out, whatever a filter has put there. */
import type { Headers } from '../api/headers.ts';
import { HeaderMap, type RequestHead, type ResponseHead } from '../headers/header-map.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { BlockWriter } from './hpack/index.ts';

/** RFC 9113 8.2.2; `host` goes out as `:authority`. */
const DROPPED: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

const STATUS: string[] = [];
for (let status = 100; status < 600; status++) STATUS[status] = String(status);

/** `length` replaces the Content-Length: '' leaves it out, `undefined` lets it stand. */
export function writeResponseHead(
  writer: FrameWriter,
  stream: number,
  head: ResponseHead,
  status: number,
  length: string | undefined,
  end: boolean,
): void {
  const block = writer.beginHead();
  writer.encoder.field(block, ':status', STATUS[status] ?? String(status));
  writeFields(writer, block, head.fields, length);
  writer.endHead(stream, end);
}

/** As {@link writeResponseHead}. An upgrade goes out as an extended CONNECT. */
export function writeRequestHead(
  writer: FrameWriter,
  stream: number,
  head: RequestHead,
  length: string | undefined,
  end: boolean,
): void {
  const { encoder } = writer;
  const block = writer.beginHead();
  const upgrade = head.upgradeTo;
  encoder.field(block, ':method', upgrade === '' ? head.rawMethod : 'CONNECT');
  if (upgrade !== '' || head.rawMethod !== 'CONNECT') {
    encoder.field(block, ':scheme', head.scheme);
    encoder.field(block, ':path', head.rawPath);
  }
  encoder.field(block, ':authority', head.rawAuthority);
  if (upgrade !== '') encoder.field(block, ':protocol', upgrade);
  writeFields(writer, block, head.fields, length);
  writer.endHead(stream, end);
}

/** False when nothing is left to send: an empty HEADERS frame is better left out. */
export function writeTrailers(writer: FrameWriter, stream: number, trailers: Headers): boolean {
  if (trailers.size === 0) return false;
  const block = writer.beginHead();
  if (trailers instanceof HeaderMap) writeFields(writer, block, trailers.fields, undefined);
  else for (const [name, value] of trailers.entries()) writeFields(writer, block, [name, value], undefined);
  writer.endHead(stream, true);
  return true;
}

function writeFields(writer: FrameWriter, block: BlockWriter, fields: string[], length: string | undefined): void {
  const { encoder } = writer;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    if (DROPPED.has(name)) continue;
    let value = fields[i + 1] as string;
    if (length !== undefined && name === 'content-length') {
      if (length === '') continue;
      value = length;
    } else if (name === 'te' && value !== 'trailers') continue;
    encoder.field(block, name, value);
  }
}
