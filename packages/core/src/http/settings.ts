/** What a connection manager needs at run time, in plain numbers; made from the frozen config by `config/build`. */
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { Http1Options } from '../http1/options.ts';
import type { Http2Options } from '../http2/options.ts';
import type { AddressSet } from '../net/address-set.ts';
import type { LocalReplyMapper } from './local-reply-mapper.ts';

/** One way to find the client's address in a request (`original_ip_detection_extensions`). */
export type OriginSettings =
  | {
      readonly kind: 'xff';
      readonly hops: number;
      readonly trustedProxies: AddressSet | undefined;
      readonly skipXffAppend: boolean;
    }
  | {
      readonly kind: 'header';
      readonly name: string;
      /** The address may make the request an internal one. */
      readonly trusted: boolean;
      /** Refuses requests whose address cannot be told; `undefined` lets the next way be tried. */
      readonly rejectStatus: number | undefined;
    };

/** Envoy `forward_client_cert_details` and `set_current_client_cert_details`. */
export interface ClientCertPolicy {
  readonly mode: 'SANITIZE' | 'FORWARD_ONLY' | 'APPEND_FORWARD' | 'SANITIZE_SET' | 'ALWAYS_FORWARD_ONLY';
  readonly cert: boolean;
  readonly chain: boolean;
  readonly subject: boolean;
  readonly uri: boolean;
  readonly dns: boolean;
}

/** What is taken off a request's host. */
export interface HostRules {
  readonly stripPort: 'none' | 'matching' | 'any';
  readonly stripTrailingDot: boolean;
}

/** Envoy `ProxyStatusConfig`. */
export interface ProxyStatusPolicy {
  /** Name of this proxy at the start of the field. */
  readonly proxyName: string;
  readonly details: boolean;
  readonly responseFlags: boolean;
  /** Answer with the status that the RFC recommends for the error. */
  readonly recommendedStatus: boolean;
}

export interface HttpSettings {
  readonly statPrefix: string;
  /** `codec_type`; AUTO goes by ALPN, else by the first bytes. */
  readonly codec: 'AUTO' | 'HTTP1' | 'HTTP2';
  readonly http1: Http1Options;
  readonly http2: Http2Options;
  /** Value of the `server` field. Default `envoy`. */
  readonly serverName: string;
  readonly serverHeaderTransformation: 'OVERWRITE' | 'APPEND_IF_ABSENT' | 'PASS_THROUGH';
  /** A connection without a request is closed after this; 0 keeps it. Default one hour. */
  readonly idleTimeoutMs: number;
  /** A stream without bytes either way is ended after this; 0 disables. Default five minutes. */
  readonly streamIdleTimeoutMs: number;
  /** Time for the whole request; 0 disables (default). */
  readonly requestTimeoutMs: number;
  /** Time for the request head; 0 disables (default). */
  readonly requestHeadersTimeoutMs: number;
  /** A response that the client does not read is given up after this without progress; 0 disables. */
  readonly streamFlushTimeoutMs: number;
  /** A connection is drained after this; 0 keeps it. */
  readonly maxConnectionDurationMs: number;
  /** Up to this many percent are added to `maxConnectionDurationMs`, drawn per connection. */
  readonly maxConnectionDurationJitterPercent: number;
  /** After its duration a connection waits for one more request instead of being closed when idle. */
  readonly safeMaxConnectionDuration: boolean;
  readonly maxStreamDurationMs: number;
  /**
   * How long a drained connection still takes requests: HTTP/1 until it is closed when idle, HTTP/2 until the GOAWAY
   * that ends it. Default 5000.
   */
  readonly drainTimeoutMs: number;
  /** Up to this many percent are added to `drainTimeoutMs`, drawn per connection. */
  readonly drainTimeoutJitterPercent: number;
  /** Requests per connection; 0 is unlimited. */
  readonly maxRequestsPerConnection: number;
  /** After a local close the peer gets this long to read the answer. Default 1000. */
  readonly delayedCloseTimeoutMs: number;
  /** Unsent response bytes above which the upstream is paused; also the bound of `HOLD`. */
  readonly bufferLimitBytes: number;
  readonly useRemoteAddress: boolean;
  readonly xffNumTrustedHops: number;
  readonly skipXffAppend: boolean;
  /** `original_ip_detection_extensions`, in order; `undefined` for the rule of `xff_num_trusted_hops`. */
  readonly origins: readonly OriginSettings[] | undefined;
  /** `undefined` takes `x-forwarded-client-cert` away. */
  readonly clientCert: ClientCertPolicy | undefined;
  /** Decides whether an address is internal (`internal_address_config`). */
  isInternalAddress(ip: string): boolean;
  readonly via: string;
  readonly generateRequestId: boolean;
  readonly preserveExternalRequestId: boolean;
  readonly alwaysSetRequestIdInResponse: boolean;
  /** `proxy_100_continue`: pass `Expect` and interim responses instead of answering 100 here. */
  readonly proxy100Continue: boolean;
  readonly normalizePath: boolean;
  readonly mergeSlashes: boolean;
  readonly escapedSlashes: 'KEEP_UNCHANGED' | 'REJECT_REQUEST' | 'UNESCAPE_AND_REDIRECT' | 'UNESCAPE_AND_FORWARD';
  /** `undefined` leaves the host as it came. */
  readonly host: HostRules | undefined;
  /** A preserved external id loses its trace reason (`pack_trace_reason`). Default true. */
  readonly packTraceReason: boolean;
  /** A 400 that this side makes up leaves an HTTP/1 connection open (`stream_error_on_invalid_http_message`). */
  readonly keepOnBadRequest: boolean;
  /** `early_header_mutation_extensions`, as one call. */
  readonly earlyMutation: ((head: RequestHeaders, stream: HttpStream) => void) | undefined;
  /** Replaces the scheme and `x-forwarded-proto` of every request. */
  readonly schemeOverwrite: 'http' | 'https' | undefined;
  readonly appendForwardedPort: boolean;
  /** `add_user_agent`: the names of this proxy in the `node` of the bootstrap. */
  readonly userAgent: { readonly cluster: string; readonly node: string } | undefined;
  /** `local_reply_config`, compiled. */
  readonly localReply: LocalReplyMapper | undefined;
  readonly proxyStatus: ProxyStatusPolicy | undefined;
  /** Upgrades that the connection manager allows, by lower-case type; a route's own switch comes first. */
  readonly upgrades: ReadonlyMap<string, boolean>;
}
