/** Who sends: `StreamMetricsMessage.Identifier`, in the first message of a stream. */
import { type BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { NodeIdentity } from '@mesh/core';

/** Writes it as field 1. Envoy adds what its bootstrap and its build know besides. */
export function writeIdentifier(writer: BinaryWriter, node: NodeIdentity): void {
  writer.tag(1, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).fork();
  text(writer, 1, node.id);
  text(writer, 2, node.cluster);
  if (node.region !== '' || node.zone !== '' || node.subZone !== '') {
    writer.tag(4, WireType.LengthDelimited).fork();
    text(writer, 1, node.region);
    text(writer, 2, node.zone);
    text(writer, 3, node.subZone);
    writer.join();
  }
  text(writer, 6, 'mesh');
  text(writer, 7, node.version ?? '');
  writer.join().join();
}

function text(writer: BinaryWriter, field: number, value: string): void {
  if (value !== '') writer.tag(field, WireType.LengthDelimited).string(value);
}
