/** Settings of the HTTP/1 codec (Envoy's `Http1ProtocolOptions` and the limits of the connection manager). */
import type { HeadLimits } from './head-parser.ts';

export interface Http1Options {
  readonly limits: HeadLimits;
  /** `accept_http_10`; default false: HTTP/1.0 gets 426. */
  readonly acceptHttp10: boolean;
  /** `default_host_for_http_10`; used when an HTTP/1.0 request has no Host. */
  readonly defaultHostForHttp10: string;
  /** `enable_trailers`; default false: trailers are checked, then dropped. */
  readonly enableTrailers: boolean;
  /** `allow_chunked_length`: with both framings present, Content-Length is dropped instead of refusing. Default false. */
  readonly allowChunkedLength: boolean;
  /** `headers_with_underscores_action`. */
  readonly underscores: 'ALLOW' | 'REJECT_REQUEST' | 'DROP_HEADER';
}

/** Envoy's defaults for requests: 60 KiB, 100 fields. */
export const DEFAULT_HTTP1_OPTIONS: Http1Options = Object.freeze({
  limits: Object.freeze({ maxBytes: 60 * 1024, maxFields: 100 }),
  acceptHttp10: false,
  defaultHostForHttp10: '',
  enableTrailers: false,
  allowChunkedLength: false,
  underscores: 'ALLOW',
});
