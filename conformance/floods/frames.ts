/** HTTP/2 frames (RFC 9113 4, 6) by hand: nothing here keeps a sender from breaking the rules. */

export const FrameType = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const Flag = { none: 0, ack: 1, endStream: 1, endHeaders: 4, padded: 8, priority: 0x20 } as const;

export const FRAME_HEADER_BYTES = 9;
export const PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const NOTHING = Buffer.alloc(0);

/** Any frame at all; the length is the payload's. */
export function frame(type: number, flags: number, stream: number, payload: Buffer = NOTHING): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  payload.copy(bytes, FRAME_HEADER_BYTES);
  return bytes;
}

/** SETTINGS: identifier → value. */
export function settings(values: Readonly<Record<number, number>> = {}): Buffer {
  const entries = Object.entries(values);
  const payload = Buffer.allocUnsafe(entries.length * 6);
  entries.forEach(([id, value], i) => {
    payload.writeUInt16BE(Number(id), i * 6);
    payload.writeUInt32BE(value, i * 6 + 2);
  });
  return frame(FrameType.settings, Flag.none, 0, payload);
}

/** A frame whose payload is one 32-bit number. */
export function numberFrame(type: number, stream: number, value: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32BE(value);
  return frame(type, Flag.none, stream, payload);
}

export function resetStream(stream: number, code = 8): Buffer {
  return numberFrame(FrameType.resetStream, stream, code);
}

export function windowUpdate(stream: number, increment: number): Buffer {
  return numberFrame(FrameType.windowUpdate, stream, increment);
}

export function ping(payload: Buffer = Buffer.alloc(8)): Buffer {
  return frame(FrameType.ping, Flag.none, 0, payload);
}

export function priority(stream: number, dependsOn = 0, weight = 15): Buffer {
  const payload = Buffer.allocUnsafe(5);
  payload.writeUInt32BE(dependsOn);
  payload[4] = weight;
  return frame(FrameType.priority, Flag.none, stream, payload);
}

/** A whole head in one HEADERS frame. */
export function headers(stream: number, block: Buffer, endStream = true): Buffer {
  return frame(FrameType.headers, Flag.endHeaders | (endStream ? Flag.endStream : 0), stream, block);
}

/** A head cut into HEADERS and CONTINUATION frames of at most `size` bytes. */
export function headersInParts(stream: number, block: Buffer, size: number, endStream = true): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < block.length || at === 0; at += size) {
    const last = at + size >= block.length ? Flag.endHeaders : 0;
    const first = at === 0;
    const flags = last | (first && endStream ? Flag.endStream : 0);
    parts.push(frame(first ? FrameType.headers : FrameType.continuation, flags, stream, block.subarray(at, at + size)));
  }
  return parts;
}

/** RFC 7541 5.1. */
function integer(form: number, mask: number, value: number): number[] {
  if (value < mask) return [form | value];
  const bytes = [form | mask];
  let rest = value - mask;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from(integer(0, 0x7f, value.length)), Buffer.from(value, 'latin1')]);
}

/** A literal field with a literal name, neither Huffman coded; `indexed` adds it to the receiver's table. */
export function literal(name: string, value: string, indexed = false): Buffer {
  return Buffer.concat([Buffer.from([indexed ? 0x40 : 0]), text(name), text(value)]);
}

/** A reference to an entry; 62 is the one that was added last. */
export function indexedField(index: number): Buffer {
  return Buffer.from(integer(0x80, 0x7f, index));
}

/** `GET` over http, without entries in the table. */
export function requestBlock(path = '/', method = 'GET', authority = 'floods.test'): Buffer {
  return Buffer.concat([
    literal(':method', method),
    literal(':scheme', 'http'),
    literal(':authority', authority),
    literal(':path', path),
  ]);
}
