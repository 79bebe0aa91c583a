/** HPACK, the header compression of HTTP/2 (RFC 7541). */
export { BlockWriter } from './block-writer.ts';
export { type FieldSink, HpackDecoder } from './decoder.ts';
export { HpackEncoder } from './encoder.ts';
export { FieldKind } from './static-table.ts';
