/** Settings of the HTTP/1 codec (Envoy's `Http1ProtocolOptions` and the limits of the connection manager). */
import type { HeadLimits } from './head-parser.ts';

/** `proper`: each word begins with a capital letter, `Content-Type`. */
export type NameFormat = 'lower' | 'proper';

/** How the names of fields are written, and which of those read are kept for the message's next hop. */
export interface NameOptions {
  /** Form of names in messages whose own forms were not kept. Default `lower`. */
  readonly names: NameFormat;
  /** Keep the names of messages that are read (`preserve_case`). Default false. */
  readonly keepNames: boolean;
  /** With `keepNames`: form of the names that are added here. Default `lower`. */
  readonly ownNames: NameFormat;
  /** With `keepNames`: pass the reason phrase of responses on. Default false. */
  readonly forwardReason: boolean;
}

export interface Http1Options extends NameOptions {
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
  /** `allow_absolute_url`: the target's authority replaces Host; else the target is taken for a path. Default true. */
  readonly allowAbsoluteUrl: boolean;
  /** `allow_custom_methods`: methods beyond those of {@link METHODS} are taken. Default false. */
  readonly anyMethod: boolean;
  /** A target that says `https` on a connection without TLS gets 403. Default false. */
  readonly checkScheme: boolean;
  /** `ignore_http_11_upgrade`: protocols that a client may ask for in vain. */
  readonly ignoreUpgrade: ((type: string) => boolean) | undefined;
}

/** Settings of the codec towards upstreams, beside its limits. */
export interface Http1ClientOptions extends NameOptions {
  /** With both framings present Content-Length is dropped, and the connection not used again. Default false. */
  readonly allowChunkedLength: boolean;
  /** `send_fully_qualified_url`: targets in absolute form, for upstreams that are proxies. Default false. */
  readonly fullUrl: boolean;
}

/** Methods that Envoy knows. */
export const METHODS: ReadonlySet<string> = new Set(
  `GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH ACL BIND CHECKOUT COPY LINK LOCK MERGE MKACTIVITY MKCALENDAR
  MKCOL MOVE MSEARCH NOTIFY PROPFIND PROPPATCH PURGE REBIND REPORT SEARCH SOURCE SUBSCRIBE UNBIND UNLINK UNLOCK
  UNSUBSCRIBE`.split(/\s+/),
);

const DEFAULT_NAMES: NameOptions = { names: 'lower', keepNames: false, ownNames: 'lower', forwardReason: false };

/** Envoy's defaults for upstreams. */
export const DEFAULT_CLIENT_OPTIONS: Http1ClientOptions = Object.freeze({
  ...DEFAULT_NAMES,
  allowChunkedLength: false,
  fullUrl: false,
});

/** Envoy's defaults for requests: 60 KiB, 100 fields. */
export const DEFAULT_HTTP1_OPTIONS: Http1Options = Object.freeze({
  limits: Object.freeze({ maxBytes: 60 * 1024, maxFields: 100 }),
  acceptHttp10: false,
  defaultHostForHttp10: '',
  enableTrailers: false,
  allowChunkedLength: false,
  underscores: 'ALLOW',
  allowAbsoluteUrl: true,
  anyMethod: false,
  checkScheme: false,
  ignoreUpgrade: undefined,
  ...DEFAULT_NAMES,
});
