/** Zipkin's version 1 in JSON (`/api/v1/spans`): what Envoy of 2018 sent. Kind and times are annotations there. */
import type { EncoderOptions, SpanEncoder } from './encoding.ts';
import { endpointText, joinTexts, microseconds, Names, text } from './json-text.ts';
import type { ZipkinSpan } from './span.ts';

/** An encoder. */
export function jsonV1({ endpoint }: EncoderOptions): SpanEncoder {
  const here = `,"endpoint":${endpointText(endpoint)}}`;
  const server = [`,"value":"sr"${here}`, `,"value":"ss"${here}`] as const;
  const client = [`,"value":"cs"${here}`, `,"value":"cr"${here}`] as const;
  const names = new Names('{"key":', ',"value":');
  return {
    contentType: 'application/json',
    join: joinTexts,
    encode(span) {
      const [begun, ended] = span.kind === 'server' ? server : client;
      const { durationUs, spanId, startUs, traceId } = span;
      const parent = span.parentId === '' ? '' : `,"parentId":"${span.parentId}"`;
      // Of a span with two owners it is the one that began it who tells when and how long.
      const times = span.joined ? '' : `,"timestamp":${microseconds(startUs)},"duration":${durationUs}`;
      return `{"traceId":"${traceId}","id":"${spanId}","name":${text(span.name)}${parent}${times},"annotations":[{"timestamp":${microseconds(startUs)}${begun}${notesText(
        span,
        here,
      )},{"timestamp":${microseconds(startUs + durationUs)}${ended}],"binaryAnnotations":[${tagsText(span.tags, names)}]}`;
    },
  };
}

function tagsText(tags: readonly string[], names: Names): string {
  let all = '';
  for (let at = 0; at < tags.length; at += 2) {
    all += `${at === 0 ? '' : ','}${names.get(tags[at] as string)}${text(tags[at + 1] as string)}}`;
  }
  return all;
}

function notesText({ notes }: ZipkinSpan, here: string): string {
  let all = '';
  if (notes === undefined) return all;
  for (let at = 0; at < notes.length; at += 2) {
    all += `,{"timestamp":${microseconds(notes[at] as number)},"value":${text(notes[at + 1] as string)}${here}`;
  }
  return all;
}
