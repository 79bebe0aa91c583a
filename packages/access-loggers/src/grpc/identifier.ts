/** Who sends: `envoy.config.core.v3.Node` in the identifiers of streams. */

import type { NodeIdentity } from '@mesh/core';
import type { ProtoWriter } from '../shipping/proto-writer.ts';
import { message, structFields, text } from './wire.ts';

/** The node as field `field`. Envoy adds the list of its extensions, 60 KB: of no use to a log service. */
export function writeNode(writer: ProtoWriter, field: number, node: NodeIdentity): void {
  const { cluster, id, metadata = {}, region, subZone, zone } = node;
  message(writer, field, (inner) => {
    text(inner, 1, id);
    text(inner, 2, cluster);
    if (Object.keys(metadata).length > 0) message(inner, 3, (struct) => structFields(struct, metadata));
    if (region !== '' || zone !== '' || subZone !== '') {
      message(inner, 4, (locality) => {
        text(locality, 1, region);
        text(locality, 2, zone);
        text(locality, 3, subZone);
      });
    }
    text(inner, 6, 'mesh');
    text(inner, 7, node.version);
  });
}
