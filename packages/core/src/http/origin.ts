/** `original_ip_detection_extensions`: ways to find the client's address in the request. */
import { type RequestHead, Seen } from '../headers/header-map.ts';
import type { AddressSet } from '../net/address-set.ts';
import { forwardedEntry, forwardedList, ipAddress } from './forwarded-list.ts';
import type { OriginSettings } from './settings.ts';

/** What a detector found out; one object serves all requests. */
export interface Detection {
  /** `undefined` when the detector cannot tell. */
  ip: string | undefined;
  /** The address may make the request an internal one. */
  trusted: boolean;
  /** The peer's address is appended to `x-forwarded-for`. */
  append: boolean;
}

/** One way to find the client's address. */
export interface OriginDetector {
  /** Fills `found`. */
  detect(head: RequestHead, remoteIp: string, found: Detection): void;
  /** The status of the refusal when the address cannot be told; `undefined` lets the next detector try. */
  readonly rejectStatus: number | undefined;
}

/** The detectors of a connection manager; `undefined` when it has none. */
export function originDetectors(
  settings: readonly OriginSettings[] | undefined,
): readonly OriginDetector[] | undefined {
  return settings?.map((each) => (each.kind === 'xff' ? new XffDetector(each) : new HeaderDetector(each)));
}

/** Envoy `XffConfig`: the entry so many places from the right, or the last one that is not a trusted proxy's. */
class XffDetector implements OriginDetector {
  readonly rejectStatus = undefined;
  private readonly append: boolean;
  private readonly hops: number;
  private readonly trustedProxies: AddressSet | undefined;

  constructor({ hops, trustedProxies, skipXffAppend }: Extract<OriginSettings, { kind: 'xff' }>) {
    this.hops = hops;
    this.trustedProxies = trustedProxies;
    this.append = !skipXffAppend;
  }

  detect(head: RequestHead, remoteIp: string, found: Detection): void {
    found.ip = undefined;
    found.trusted = false;
    // What a proxy that is not trusted wrote ends with its own address, whatever is configured.
    const stranger = this.trustedProxies !== undefined && (remoteIp === '' || !this.trustedProxies(remoteIp));
    found.append = this.append || stranger;
    if (stranger) return;
    if ((head.seen & Seen.forwardedFor) === 0) return;
    const list = forwardedList(head);
    if (this.trustedProxies !== undefined) {
      lastUntrusted(list, this.trustedProxies, found);
      return;
    }
    found.ip = forwardedEntry(list, this.hops);
    found.trusted = list.length === 1 && this.hops === 0;
  }
}

/** Walks from the nearest proxy towards the client, as far as it meets trusted addresses. */
function lastUntrusted(list: readonly string[], trusted: AddressSet, found: Detection): void {
  for (let i = list.length - 1; i >= 0; i--) {
    const ip = ipAddress(list[i]);
    // What cannot be read ends the search: nobody vouches for the entries before it.
    if (ip === undefined) {
      found.ip = undefined;
      return;
    }
    found.ip = ip;
    if (!trusted(ip)) break;
  }
  found.trusted = list.length === 1;
}

/** Envoy `CustomHeaderConfig`: a request header that holds the address. */
class HeaderDetector implements OriginDetector {
  readonly rejectStatus: number | undefined;
  private readonly name: string;
  private readonly trusted: boolean;

  constructor({ name, trusted, rejectStatus }: Extract<OriginSettings, { kind: 'header' }>) {
    this.name = name.toLowerCase();
    this.trusted = trusted;
    this.rejectStatus = rejectStatus;
  }

  detect(head: RequestHead, _remoteIp: string, found: Detection): void {
    found.append = false;
    found.ip = ipAddress(head.get(this.name));
    found.trusted = this.trusted && found.ip !== undefined;
  }
}
