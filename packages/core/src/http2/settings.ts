/** SETTINGS (RFC 9113 6.5): what this side sends, and what the peer's mean. */
import { DEFAULT_WINDOW_BYTES, FRAME_LIMIT_BYTES, MAX_WINDOW_BYTES, readUint32, Setting } from './frames.ts';
import { ErrorCode } from './handlers.ts';
import type { Http2Options } from './options.ts';

/** The peer's settings. */
export class PeerSettings {
  headerTableBytes = 4096;
  /** The last frame spoke of it, and this is the smallest value that it named. */
  tableChanged = false;
  smallestTableBytes = 4096;
  maxConcurrentStreams = MAX_WINDOW_BYTES;
  initialWindowBytes = DEFAULT_WINDOW_BYTES;
  maxFrameBytes = FRAME_LIMIT_BYTES;
  enableConnect = false;

  /** Takes over the payload of a SETTINGS frame; returns an error code, 0 when all is well. */
  apply(bytes: Buffer, start: number, end: number): ErrorCode {
    this.tableChanged = false;
    for (let at = start; at < end; at += 6) {
      const id = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
      const error = this.set(id, readUint32(bytes, at + 2));
      if (error !== ErrorCode.NO_ERROR) return error;
    }
    return ErrorCode.NO_ERROR;
  }

  private set(id: number, value: number): ErrorCode {
    switch (id) {
      case Setting.HEADER_TABLE_SIZE:
        this.smallestTableBytes = this.tableChanged ? Math.min(this.smallestTableBytes, value) : value;
        this.tableChanged = true;
        this.headerTableBytes = value;
        break;
      case Setting.ENABLE_PUSH:
        if (value > 1) return ErrorCode.PROTOCOL_ERROR;
        break;
      case Setting.MAX_CONCURRENT_STREAMS:
        this.maxConcurrentStreams = value;
        break;
      case Setting.INITIAL_WINDOW_SIZE:
        if (value > MAX_WINDOW_BYTES) return ErrorCode.FLOW_CONTROL_ERROR;
        this.initialWindowBytes = value;
        break;
      case Setting.MAX_FRAME_SIZE:
        if (value < FRAME_LIMIT_BYTES || value > 0xffffff) return ErrorCode.PROTOCOL_ERROR;
        // Small frames let streams take turns; nothing is gained by larger ones.
        break;
      case Setting.ENABLE_CONNECT_PROTOCOL:
        // RFC 8441 3: it may not be taken back.
        if (value > 1 || (value === 0 && this.enableConnect)) return ErrorCode.PROTOCOL_ERROR;
        this.enableConnect = value === 1;
        break;
      default:
    }
    return ErrorCode.NO_ERROR;
  }
}

/** Our settings as `[id, value, …]`. Custom ones cannot take the place of those that the codec keeps to. */
export function ownSettings(options: Http2Options, client: boolean): number[] {
  const settings = new Map<number, number>();
  for (const { id, value } of options.customSettings) settings.set(id, value);
  if (client) settings.set(Setting.ENABLE_PUSH, 0);
  settings.set(Setting.HEADER_TABLE_SIZE, options.hpackTableSizeBytes);
  settings.set(Setting.ENABLE_CONNECT_PROTOCOL, options.allowConnect ? 1 : 0);
  settings.set(Setting.MAX_CONCURRENT_STREAMS, options.maxConcurrentStreams);
  settings.set(Setting.INITIAL_WINDOW_SIZE, options.initialStreamWindowBytes);
  return [...settings].flat();
}
