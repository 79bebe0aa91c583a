/** `envoy.data.accesslog.v3.ResponseFlags`. */

import { ResponseFlag } from '@mesh/core';
import type { ProtoWriter } from '../shipping/proto-writer.ts';
import { flag, message, uint32 } from './wire.ts';

const { DO, DR, UAEX, UDO } = ResponseFlag;

/** `Unauthorized.Reason.EXTERNAL_SERVICE`. */
const EXTERNAL_SERVICE = 1;

/** The bits of this proxy stand in the order of the fields; those without a field of their own are left out. */
const FIELDS: readonly (readonly [bit: number, field: number])[] = Object.values(ResponseFlag)
  .filter((bit) => bit !== UAEX && bit !== DO && bit !== DR && bit !== UDO)
  .map((bit): readonly [number, number] => [bit, Math.log2(bit) + 1])
  .concat([[DR, 28]]);

/** Writes nothing when no flag is set. */
export function writeResponseFlags(writer: ProtoWriter, field: number, flags: number): void {
  if (flags === 0) return;
  message(writer, field, (inner) => {
    for (const [bit, number] of FIELDS) flag(inner, number, (flags & bit) !== 0);
    if ((flags & UAEX) !== 0) message(inner, 13, (details) => uint32(details, 1, EXTERNAL_SERVICE));
  });
}
