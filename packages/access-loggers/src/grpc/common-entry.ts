/** `envoy.data.accesslog.v3.AccessLogCommon`: what entries about exchanges and about connections have in common. */
import { randomUUID } from 'node:crypto';
import { WireType } from '@bufbuild/protobuf/wire';
import {
  type AccessLogType,
  type LogSubject,
  ResponseFlag,
  type SpanTag,
  type StreamInfo,
  textOfWire,
} from '@mesh/core';
import type { ProtoWriter } from '../shipping/proto-writer.ts';
import { writeResponseFlags } from './response-flags.ts';
import { writeTlsProperties } from './tls-properties.ts';
import { address, anyValue, duration, entry, flag, message, structFields, text, timestamp, uint32 } from './wire.ts';

/** Numbers of `AccessLogType`. */
const TYPES: Readonly<Record<AccessLogType, number>> = {
  NotSet: 0,
  TcpUpstreamConnected: 1,
  TcpPeriodic: 2,
  TcpConnectionEnd: 3,
  DownstreamStart: 4,
  DownstreamPeriodic: 5,
  DownstreamEnd: 6,
  UpstreamPoolReady: 7,
  UpstreamPeriodic: 8,
  UpstreamEnd: 9,
  DownstreamTunnelSuccessfullyEstablished: 10,
  TcpConnectionStart: 14,
};

/** What the configuration wants in entries beside what all of them have. */
export interface CommonExtras {
  readonly filterStateKeys: readonly string[];
  readonly tags: readonly SpanTag[];
}

/** Writes the message as field `field`. */
export function writeCommon(
  writer: ProtoWriter,
  field: number,
  subject: LogSubject,
  type: AccessLogType,
  extras: CommonExtras,
): void {
  const { connection, info } = subject;
  message(writer, field, (inner) => {
    writeClient(inner, subject);
    writeTlsProperties(inner, 4, connection);
    writeTimes(inner, subject);
    writeUpstream(inner, subject);
    writeResponseFlags(inner, 16, info.flags);
    writeMetadata(inner, info);
    text(inner, 19, subject.route?.name);
    for (const key of extras.filterStateKeys) writeFilterState(inner, info, key);
    for (const { name, value } of extras.tags) writeTag(inner, name, value(subject));
    uint32(inner, 24, info.attempts);
    text(inner, 25, info.connectionInfo?.terminationDetails);
    text(inner, 26, streamId(subject));
    // The exchange goes on: one entry of several.
    flag(inner, 27, info.endMs === 0);
    text(inner, 28, info.connectionInfo?.transportFailure);
    uint32(inner, 33, TYPES[type]);
  });
}

/** Ids of connections, which have no request to bear them. */
const connectionIds = new WeakMap<object, string>();

/** The request id; of a connection one of its own, the same in all its entries. */
function streamId({ info, requestHeaders }: LogSubject): string | undefined {
  const { connectionInfo } = info;
  if (connectionInfo === undefined) return requestHeaders.get('x-request-id');
  let id = connectionIds.get(connectionInfo);
  if (id === undefined) {
    id = randomUUID();
    connectionIds.set(connectionInfo, id);
  }
  return id;
}

function writeClient(writer: ProtoWriter, { connection, info }: LogSubject): void {
  const { directRemoteIp, localIp, localPort, remoteIp, remotePort } = connection;
  const forwarded = info.clientIp !== '' && info.clientIp !== remoteIp;
  if (forwarded) address(writer, 2, info.clientIp, 0);
  else address(writer, 2, remoteIp, remotePort);
  address(writer, 3, localIp, localPort);
  // Of a client behind PROXY protocol the port of the socket is not known.
  if (directRemoteIp === undefined || directRemoteIp === remoteIp) address(writer, 20, remoteIp, remotePort);
  else address(writer, 20, directRemoteIp, 0);
}

/** From the first byte of the request, as in Envoy; what has not happened is left out. */
function writeTimes(writer: ProtoWriter, { info, responseHeaders }: LogSubject): void {
  timestamp(writer, 5, info.startWallMs);
  const since = (field: number, momentMs: number | undefined) => {
    if (momentMs !== undefined && momentMs > 0) duration(writer, field, Math.max(0, momentMs - info.startMs));
  };
  since(6, info.requestCompleteMs);
  since(7, info.upstreamTxBeginMs);
  since(8, info.upstreamTxEndMs);
  since(9, info.upstreamFirstByteMs);
  since(10, info.upstreamRxEndMs);
  // What the codec itself answers is sent in one piece.
  const answeredMs = info.downstreamTxBeginMs || (responseHeaders === undefined ? 0 : info.endMs);
  since(11, answeredMs);
  if (answeredMs > 0 && !wasCut(info)) since(12, info.endMs);
  since(23, info.endMs);
}

/** The client has not got all of the response. */
function wasCut({ details, flags }: StreamInfo): boolean {
  return (flags & (ResponseFlag.DC | ResponseFlag.DR)) !== 0 || details.startsWith('upstream_reset_after_');
}

function writeUpstream(writer: ProtoWriter, { info }: LogSubject): void {
  const { upstreamConnection, upstreamHost } = info;
  if (upstreamHost !== undefined) {
    address(writer, 13, upstreamHost.ip, upstreamHost.port);
    text(writer, 15, info.upstreamCluster);
  }
  if (upstreamConnection !== undefined && upstreamConnection.localIp !== '') {
    address(writer, 14, upstreamConnection.localIp, upstreamConnection.localPort);
  }
  text(writer, 18, info.upstreamTransportFailure ?? transportFailure(info.details));
}

/** What the transport said stands behind a bar in the details of a reset, with its spaces replaced. */
function transportFailure(details: string): string | undefined {
  return /^upstream_reset_(?:before|after)_response_started\{[^|]*\|(.+)\}$/.exec(details)?.[1]?.replaceAll('_', ' ');
}

function writeMetadata(writer: ProtoWriter, { metadata }: StreamInfo): void {
  if (metadata.size === 0) return;
  message(writer, 17, (outer) => {
    for (const [namespace, value] of metadata) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) continue;
      entry(outer, 1, namespace, (pair) => message(pair, 2, (struct) => structFields(struct, value)));
    }
  });
}

function writeFilterState(writer: ProtoWriter, { filterState }: StreamInfo, key: string): void {
  const value = filterState.get(key);
  if (value === undefined || value === null || typeof value === 'function') return;
  entry(writer, 21, key, (pair) => anyValue(pair, 2, value));
}

function writeTag(writer: ProtoWriter, name: string, wire: string | undefined): void {
  if (wire === undefined || wire === '') return;
  entry(writer, 22, name, (pair) => pair.tag(2, WireType.LengthDelimited).string(textOfWire(wire)));
}
