/** `opentelemetry.proto.logs.v1.LogRecord`. */
import { WireType } from '@bufbuild/protobuf/wire';
import { type AccessLogType, compileCustomTags, type LogSubject, textOfWire } from '@mesh/core';
import { message } from '../grpc/wire.ts';
import { ProtoWriter } from '../shipping/proto-writer.ts';
import { readAnyValue, readKeyValues, writeAnyValue, writeKeyValues, writeTextPair } from './any-value.ts';
import type { OpenTelemetryConfig } from './config.ts';
import { compilePairs, compileValue } from './value-format.ts';

/** Makes the records of a configuration, as bytes. */
export type RecordFormat = (subject: LogSubject, type: AccessLogType) => Uint8Array;

/** Records are made one at a time. */
const scratch = new ProtoWriter();

const nothing = () => undefined;

export function compileRecord(config: OpenTelemetryConfig): RecordFormat {
  const { formatters, filterStateObjectsToLog } = config;
  const value = readAnyValue(config.body, [], nothing);
  const body = value.kind === 'none' ? undefined : compileValue(value, formatters);
  const attributes = compilePairs(readKeyValues(config.attributes, [], nothing), formatters);
  const tags = compileCustomTags(config.customTags);
  return (subject, type) => {
    const writer = scratch.restart();
    writer.tag(1, WireType.Bit64).fixed64(BigInt(Math.round(subject.info.startWallMs * 1000)) * 1000n);
    if (body !== undefined) message(writer, 5, (inner) => writeAnyValue(inner, body(subject, type)));
    writeKeyValues(writer, 6, attributes(subject, type));
    for (const key of filterStateObjectsToLog) writeFilterState(writer, subject, key);
    for (const tag of tags) {
      const wire = tag.value(subject);
      if (wire !== undefined && wire !== '') writeTextPair(writer, 6, tag.name, textOfWire(wire));
    }
    writeTrace(writer, subject);
    return writer.finish();
  };
}

/** As JSON, like Envoy's objects. */
function writeFilterState(writer: ProtoWriter, { info }: LogSubject, key: string): void {
  const value = info.filterState.get(key);
  if (value === undefined || value === null || typeof value === 'function') return;
  try {
    const json = JSON.stringify(value);
    if (json !== undefined) writeTextPair(writer, 6, key, json);
  } catch {
    // A cycle, or a bigint: there is no JSON of it.
  }
}

/** Trace ids have 16 bytes here; shorter ones are filled up. */
function writeTrace(writer: ProtoWriter, { span }: LogSubject): void {
  if (span === undefined) return;
  const { spanId, traceId } = span;
  if (/^(?:[0-9a-f]{16}){1,2}$/i.test(traceId)) {
    writer.tag(9, WireType.LengthDelimited).bytes(Buffer.from(traceId.padStart(32, '0'), 'hex'));
  }
  if (/^[0-9a-f]{16}$/i.test(spanId)) writer.tag(10, WireType.LengthDelimited).bytes(Buffer.from(spanId, 'hex'));
}
