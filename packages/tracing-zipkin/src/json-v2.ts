/** Zipkin's version 2 in JSON (`/api/v2/spans`): what zipkin2-api.yaml calls `ListOfSpans`. */
import type { EncoderOptions, SpanEncoder } from './encoding.ts';
import { endpointText, joinTexts, microseconds, Names, text } from './json-text.ts';
import type { ZipkinSpan } from './span.ts';

/** An encoder. */
export function jsonV2({ endpoint, shared }: EncoderOptions): SpanEncoder {
  const local = `,"localEndpoint":${endpointText(endpoint)}`;
  const server = `","kind":"SERVER"${shared ? ',"shared":true' : ''}${local},"timestamp":`;
  const client = `","kind":"CLIENT"${local},"timestamp":`;
  const names = new Names('', ':');
  return {
    contentType: 'application/json',
    join: joinTexts,
    encode(span) {
      const parent = span.parentId === '' ? '' : `","parentId":"${span.parentId}`;
      const name = span.name === '' ? '' : `,"name":${text(span.name)}`;
      return `{"traceId":"${span.traceId}${parent}","id":"${span.spanId}${span.kind === 'server' ? server : client}${microseconds(span.startUs)},"duration":${span.durationUs}${name}${tagsText(span.tags, names)}${notesText(span)}}`;
    },
  };
}

function tagsText(tags: readonly string[], names: Names): string {
  if (tags.length === 0) return '';
  let all = ',"tags":{';
  for (let at = 0; at < tags.length; at += 2) {
    all += (at === 0 ? '' : ',') + names.get(tags[at] as string) + text(tags[at + 1] as string);
  }
  return `${all}}`;
}

/** Verbose events, and as in Envoy the one at which the span has ended. */
function notesText({ durationUs, kind, notes, startUs }: ZipkinSpan): string {
  let all = ',"annotations":[';
  if (notes !== undefined) {
    for (let at = 0; at < notes.length; at += 2) {
      all += `{"timestamp":${microseconds(notes[at] as number)},"value":${text(notes[at + 1] as string)}},`;
    }
  }
  return `${all}{"timestamp":${microseconds(startUs + durationUs)},"value":"${kind === 'server' ? 'ss' : 'cr'}"}]`;
}
