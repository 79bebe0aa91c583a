/** Which fields of a request head have been seen while it was read, so that nobody looks for those that are not there. */
import { Seen } from './header-map.ts';
import { NameKind } from './names.ts';

/** The bit of a field's kind in `RequestHead.seen`; 0 for those that nobody asks about. */
export function seenBit(kind: number): number {
  switch (kind) {
    case NameKind.forwardedFor:
      return Seen.forwardedFor;
    case NameKind.forwardedProto:
      return Seen.forwardedProto;
    case NameKind.requestId:
      return Seen.requestId;
    case NameKind.envoy:
      return Seen.envoy;
    case NameKind.referer:
      return Seen.referer;
    case NameKind.forwardedHost:
      return Seen.forwardedHost;
    case NameKind.clientCert:
      return Seen.clientCert;
    default:
      return 0;
  }
}
