/** Zipkin's version 2 in protobuf (`/api/v2/spans`): `zipkin.proto3.ListOfSpans`. The numbers are those of its fields. */
import type { EncoderOptions, SpanEncoder } from './encoding.ts';
import { endpointBytes } from './proto-endpoint.ts';
import { ScratchWriter } from './scratch-writer.ts';
import type { ZipkinSpan } from './span.ts';

/** Tags of delimited fields, and of the others that occur. */
const delimited = (field: number) => (field << 3) | 2;
const SPAN = delimited(1);
const TRACE_ID = delimited(1);
const PARENT_ID = delimited(2);
const ID = delimited(3);
const KIND = 4 << 3;
const NAME = delimited(5);
const TIMESTAMP = (6 << 3) | 1;
const DURATION = 7 << 3;
const LOCAL_ENDPOINT = delimited(8);
const ANNOTATION = delimited(10);
const ANNOTATION_TIMESTAMP = (1 << 3) | 1;
const TAG = delimited(11);
const SHARED = 13 << 3;
const FIRST = delimited(1);
const SECOND = delimited(2);
const CLIENT = 1;
const SERVER = 2;
/** Bytes of a span beside its texts. */
const FIXED = 256;
const PER_ENTRY = 32;

/** An encoder. One buffer serves all of its spans, because only one is written at a time. */
export function proto({ endpoint, shared }: EncoderOptions): SpanEncoder {
  const local = endpointBytes(endpoint);
  const writer = new ScratchWriter();
  return {
    contentType: 'application/x-protobuf',
    join: (spans) => Buffer.concat(spans as readonly Uint8Array[]),
    encode(span) {
      writer.begin(room(span) + local.length);
      writeSpan(writer, span, local, shared);
      return writer.end(SPAN);
    },
  };
}

/** Enough for a span: a character takes three bytes at most. */
function room({ name, notes, tags }: ZipkinSpan): number {
  let characters = name.length;
  for (const text of tags) characters += text.length;
  let entries = tags.length;
  if (notes !== undefined) {
    for (const part of notes) characters += typeof part === 'string' ? part.length : 0;
    entries += notes.length;
  }
  return FIXED + 3 * characters + PER_ENTRY * entries;
}

function writeSpan(writer: ScratchWriter, span: ZipkinSpan, local: Uint8Array, shared: boolean): void {
  const { durationUs, name, notes, parentId, startUs, tags } = span;
  const server = span.kind === 'server';
  writer.hex(TRACE_ID, span.traceId);
  if (parentId !== '') writer.hex(PARENT_ID, parentId);
  writer.hex(ID, span.spanId);
  writer.varint(KIND, server ? SERVER : CLIENT);
  if (name !== '') writer.text(NAME, name);
  writer.fixed64(TIMESTAMP, startUs);
  writer.varint(DURATION, durationUs);
  writer.bytes(LOCAL_ENDPOINT, local);
  if (notes !== undefined) {
    for (let at = 0; at < notes.length; at += 2) annotation(writer, notes[at] as number, notes[at + 1] as string);
  }
  annotation(writer, startUs + durationUs, server ? 'ss' : 'cr');
  for (let at = 0; at < tags.length; at += 2) {
    const from = writer.open(TAG);
    writer.text(FIRST, tags[at] as string);
    writer.text(SECOND, tags[at + 1] as string);
    writer.close(from);
  }
  if (shared && server) writer.varint(SHARED, 1);
}

function annotation(writer: ScratchWriter, atUs: number, event: string): void {
  const from = writer.open(ANNOTATION);
  writer.fixed64(ANNOTATION_TIMESTAMP, atUs);
  writer.text(SECOND, event);
  writer.close(from);
}
