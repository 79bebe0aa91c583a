/** Pieces that several messages are written with. As proto3 has it, what is empty or 0 is not written. */
import { WireType } from '@bufbuild/protobuf/wire';
import { ProtoWriter } from '../shipping/proto-writer.ts';

export function text(writer: ProtoWriter, field: number, value: string | undefined): void {
  if (value !== undefined && value !== '') writer.tag(field, WireType.LengthDelimited).string(value);
}

export function uint32(writer: ProtoWriter, field: number, value: number): void {
  if (value !== 0) writer.tag(field, WireType.Varint).uint32(value);
}

export function uint64(writer: ProtoWriter, field: number, value: number | undefined): void {
  if (value !== undefined && value > 0) writer.tag(field, WireType.Varint).uint64(value);
}

export function flag(writer: ProtoWriter, field: number, value: boolean): void {
  if (value) writer.tag(field, WireType.Varint).bool(true);
}

/** A message of its own, written also when it is empty. */
export function message(writer: ProtoWriter, field: number, write: (writer: ProtoWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}

/** An entry of a `map<string, …>`. */
export function entry(writer: ProtoWriter, field: number, key: string, value: (writer: ProtoWriter) => void): void {
  message(writer, field, (pair) => {
    text(pair, 1, key);
    value(pair);
  });
}

/** `google.protobuf.Timestamp` from Unix milliseconds, to the microsecond. */
export function timestamp(writer: ProtoWriter, field: number, unixMs: number): void {
  const us = Math.round(unixMs * 1000);
  const seconds = Math.floor(us / 1_000_000);
  message(writer, field, (inner) => {
    if (seconds !== 0) inner.tag(1, WireType.Varint).int64(seconds);
    const nanos = (us - seconds * 1_000_000) * 1000;
    if (nanos !== 0) inner.tag(2, WireType.Varint).int32(nanos);
  });
}

/** `google.protobuf.Duration` from milliseconds. */
export function duration(writer: ProtoWriter, field: number, ms: number): void {
  const seconds = Math.floor(ms / 1000);
  message(writer, field, (inner) => {
    if (seconds !== 0) inner.tag(1, WireType.Varint).int64(seconds);
    const nanos = Math.floor((ms - seconds * 1000) * 1_000_000);
    if (nanos !== 0) inner.tag(2, WireType.Varint).int32(nanos);
  });
}

/** `google.protobuf.UInt32Value`. */
export function uint32Value(writer: ProtoWriter, field: number, value: number): void {
  message(writer, field, (inner) => uint32(inner, 1, value));
}

/** `envoy.config.core.v3.Address`; a port of -1 is a unix socket, whose path stands for the IP. */
export function address(writer: ProtoWriter, field: number, ip: string, port: number): void {
  message(writer, field, (outer) => {
    if (port < 0) {
      message(outer, 2, (pipe) => text(pipe, 1, ip));
      return;
    }
    message(outer, 1, (socket) => {
      text(socket, 2, ip);
      // Of the oneof: written also when it is 0.
      socket.tag(3, WireType.Varint).uint32(port);
    });
  });
}

/** How deep a value is written; deeper ones come from cycles. */
const MAX_DEPTH = 32;

/** Fields of a `google.protobuf.Struct`. */
export function structFields(writer: ProtoWriter, record: object, depth = 0): void {
  for (const [key, value] of Object.entries(record)) {
    entry(writer, 1, key, (pair) => message(pair, 2, (inner) => structValue(inner, value, depth + 1)));
  }
}

/** Content of a `google.protobuf.Value`; what JSON has no form for is null. */
function structValue(writer: ProtoWriter, value: unknown, depth: number): void {
  if (typeof value === 'number') writer.tag(2, WireType.Bit64).double(value);
  else if (typeof value === 'string') writer.tag(3, WireType.LengthDelimited).string(value);
  else if (typeof value === 'boolean') writer.tag(4, WireType.Varint).bool(value);
  else if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) writer.tag(1, WireType.Varint).int32(0);
  else if (!Array.isArray(value)) message(writer, 5, (inner) => structFields(inner, value, depth));
  else {
    message(writer, 6, (list) => {
      for (const item of value) message(list, 1, (inner) => structValue(inner, item, depth + 1));
    });
  }
}

/** `google.protobuf.Any` with a value of filter state, in the messages that Envoy's own objects become. */
export function anyValue(writer: ProtoWriter, field: number, value: unknown): void {
  const wrapped = wrappedValue(value);
  if (wrapped === undefined) return;
  message(writer, field, (any) => {
    text(any, 1, `type.googleapis.com/google.protobuf.${wrapped.type}`);
    any.tag(2, WireType.LengthDelimited).bytes(wrapped.bytes);
  });
}

/** The message that stands for a JavaScript value; `undefined` for what has none. */
function wrappedValue(value: unknown): { readonly type: string; readonly bytes: Uint8Array } | undefined {
  const inner = new ProtoWriter();
  if (typeof value === 'string') {
    text(inner, 1, value);
    return { type: 'StringValue', bytes: inner.finish() };
  }
  if (typeof value === 'boolean') {
    flag(inner, 1, value);
    return { type: 'BoolValue', bytes: inner.finish() };
  }
  if (typeof value === 'number') {
    if (value !== 0) inner.tag(1, WireType.Bit64).double(value);
    return { type: 'DoubleValue', bytes: inner.finish() };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  structFields(inner, value);
  return { type: 'Struct', bytes: inner.finish() };
}
