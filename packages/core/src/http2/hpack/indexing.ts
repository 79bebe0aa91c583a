/** Which fields the encoder puts into the dynamic table. */
import { KNOWN_NAMES } from '../../headers/names.ts';
import { STATIC_COUNT, STATIC_NAMES } from './static-table.ts';

/** How fields of a name are indexed. */
export const Indexing = {
  /** Values repeat: each is added, within limits. */
  full: 0,
  /** Values differ from message to message: one entry at most, for its name. */
  name: 1,
  /** Secrets: `never indexed`, so that no table on the way helps to guess them (RFC 7541 7.1.3). */
  never: 2,
} as const;

/** What the encoder knows about a name. */
export interface EncoderName {
  /** Its number. */
  readonly tag: number;
  readonly indexing: number;
  /** First and last index in the static table; 0 and -1 when it is not there. */
  readonly first: number;
  readonly last: number;
}

const NEVER = 'authorization proxy-authorization cookie set-cookie x-api-key x-csrf-token'.split(' ');

const NAME_ONLY = `:path age baggage content-disposition content-length content-location content-range etag expires
grpc-message grpc-timeout if-match if-modified-since if-none-match if-range if-unmodified-since last-event-id
last-modified location range referer sec-websocket-accept sec-websocket-key server-timing traceparent tracestate
x-amzn-trace-id x-b3-parentspanid x-b3-spanid x-b3-traceid x-client-trace-id x-correlation-id x-envoy-external-address
x-envoy-original-path x-envoy-original-url x-envoy-upstream-service-time x-envoy-upstream-stream-duration-ms
x-forwarded-client-cert x-forwarded-for x-ot-span-context x-ratelimit-remaining x-ratelimit-reset x-real-ip
x-request-id x-trace-id`.split(/\s+/);

/** The names with a number. */
export const ENCODER_NAMES: ReadonlyMap<string, EncoderName> = build();

function build(): Map<string, EncoderName> {
  const names = new Map<string, EncoderName>();
  for (const name of new Set([...STATIC_NAMES.slice(1), ...KNOWN_NAMES])) {
    const first = Math.max(0, STATIC_NAMES.indexOf(name));
    const last = STATIC_NAMES.lastIndexOf(name, STATIC_COUNT);
    names.set(name, { tag: names.size, indexing: indexingOf(name), first, last });
  }
  return names;
}

function indexingOf(name: string): number {
  if (NEVER.includes(name)) return Indexing.never;
  return NAME_ONLY.includes(name) ? Indexing.name : Indexing.full;
}
