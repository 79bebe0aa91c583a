/** `envoy.data.accesslog.v3.TCPAccessLogEntry`. */

import type { AccessLogType, LogSubject } from '@mesh/core';
import { ProtoWriter } from '../shipping/proto-writer.ts';
import { type CommonExtras, writeCommon } from './common-entry.ts';
import { message, uint64 } from './wire.ts';

/** An entry as bytes. */
export function tcpEntry(subject: LogSubject, type: AccessLogType, extras: CommonExtras): Uint8Array {
  const writer = new ProtoWriter();
  writeCommon(writer, 1, subject, type, extras);
  message(writer, 2, (properties) => {
    uint64(properties, 1, subject.info.bytesReceived);
    uint64(properties, 2, subject.info.bytesSent);
  });
  return writer.finish();
}
