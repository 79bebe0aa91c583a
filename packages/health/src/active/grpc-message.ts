/** The two messages of `grpc.health.v1.Health/Check`, and the frames that they travel in. */

/** A frame with a `HealthCheckRequest`. */
export function requestFrame(service: string): Uint8Array {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.of(0x0a), varint(name.length), name]);
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, 5);
  return frame;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** `ServingStatus.SERVING`. */
export const SERVING = 1;

/** `HealthCheckResponse.status`; `undefined` for bytes that are no such message. */
export function readStatus(message: Uint8Array): number | undefined {
  let status = 0;
  const reader = { at: 0 };
  while (reader.at < message.length) {
    const key = readVarint(message, reader);
    if (key === undefined || key >>> 3 === 0) return undefined;
    if (key === 0x08) {
      const value = readVarint(message, reader);
      if (value === undefined) return undefined;
      status = value;
    } else if (!skip(message, reader, key & 7)) return undefined;
  }
  return status;
}

function skip(message: Uint8Array, reader: { at: number }, wireType: number): boolean {
  if (wireType === 0) return readVarint(message, reader) !== undefined;
  const length = wireType === 1 ? 8 : wireType === 5 ? 4 : wireType === 2 ? readVarint(message, reader) : undefined;
  if (length === undefined || length > message.length - reader.at) return false;
  reader.at += length;
  return true;
}

/** Values beyond 32 bits lose their upper part: no field here is that wide. */
function readVarint(message: Uint8Array, reader: { at: number }): number | undefined {
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = message[reader.at++];
    if (byte === undefined) return undefined;
    if (shift < 32) value = (value | ((byte & 0x7f) << shift)) >>> 0;
    if (byte < 0x80) return value;
  }
  return undefined;
}

/** Bytes of a response that are worth waiting for; the message has a handful. */
const MAX_MESSAGE_BYTES = 65_536;

/** Takes a response body apart. */
export class FrameReader {
  private bytes: Buffer = Buffer.alloc(0);

  /** The frames that `chunk` completes; `undefined` when this is no gRPC, or too long. */
  add(chunk: Uint8Array): { readonly compressed: boolean; readonly message: Uint8Array }[] | undefined {
    this.bytes = Buffer.concat([this.bytes, chunk]);
    const frames = [];
    while (this.bytes.length >= 5) {
      const flag = this.bytes[0] as number;
      const length = this.bytes.readUInt32BE(1);
      if (flag > 1 || length > MAX_MESSAGE_BYTES) return undefined;
      if (this.bytes.length < 5 + length) break;
      frames.push({ compressed: flag === 1, message: this.bytes.subarray(5, 5 + length) });
      this.bytes = this.bytes.subarray(5 + length);
    }
    return frames;
  }
}
