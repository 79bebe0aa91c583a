/** What a connection manager needs at run time, in plain numbers; made from the frozen config by `config/build`. */
import type { Http1Options } from '../http1/options.ts';

export interface HttpSettings {
  readonly statPrefix: string;
  readonly http1: Http1Options;
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
  readonly maxConnectionDurationMs: number;
  readonly maxStreamDurationMs: number;
  /** Requests per connection; 0 is unlimited. */
  readonly maxRequestsPerConnection: number;
  /** After a local close the peer gets this long to read the answer. Default 1000. */
  readonly delayedCloseTimeoutMs: number;
  /** Unsent response bytes above which the upstream is paused; also the bound of `HOLD`. */
  readonly bufferLimitBytes: number;
  readonly useRemoteAddress: boolean;
  readonly xffNumTrustedHops: number;
  readonly skipXffAppend: boolean;
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
  readonly stripHostPort: 'none' | 'matching' | 'any';
}
