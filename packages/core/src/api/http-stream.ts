/** One HTTP exchange, as its filters see it. */
import type { Timers } from './clock.ts';
import type { Host } from './cluster.ts';
import type { ConnectionInfo } from './connection-info.ts';
import type { Headers, RequestHeaders, ResponseHeaders } from './headers.ts';
import type { OverrideHost } from './load-balancer.ts';
import type { Route } from './route.ts';
import type { Runtime } from './runtime.ts';
import type { StatsScope } from './stats.ts';
import type { LocalCertificate, TlsInfo } from './tls.ts';
import type { Span } from './tracer.ts';
import type { StreamTracing, TraceReason } from './tracing.ts';
import type { Clusters, UpstreamConnection } from './upstream.ts';

/** What `stream.reply` returns, so that a hook can say `return stream.reply(…)`. */
export interface Replied {
  readonly replied: true;
}

/** Extra fields for a locally answered response. */
export type ReplyHeaders = Readonly<Record<string, string | readonly string[]>>;

/** One request and its response. Valid until `onComplete` returned; keep no reference beyond it. */
export interface HttpStream {
  /** Unique within the process. */
  readonly id: number;
  readonly requestHeaders: RequestHeaders;
  /** Present once response headers exist. */
  readonly responseHeaders: ResponseHeaders | undefined;
  readonly requestTrailers: Headers | undefined;
  readonly responseTrailers: Headers | undefined;
  /** The matched route; `undefined` when none matches. */
  readonly route: Route | undefined;
  readonly clusters: Clusters;
  readonly timers: Timers;
  readonly runtime: Runtime;
  readonly connection: StreamConnection;
  readonly info: StreamInfo;
  /** Scope `http.<stat_prefix>.`. */
  readonly stats: StatsScope;
  /** A random integer in [0, 2^53), the same for this stream whenever asked: shares of traffic are drawn from it. */
  readonly random: number;
  /** The host that the first attempt is to be made with; filters that know of one set it before the request goes on. */
  upstreamOverrideHost?: OverrideHost | undefined;
  /** The span of this exchange, to which filters may add tags and child spans; absent when it is not traced. */
  readonly span?: Span | undefined;
  /** Another filter's per-route config; a filter's own comes typed from `context.routeConfig(stream)`. */
  routeConfig<T>(filter: FilterHandle<T>): T | undefined;

  /**
   * Answers the exchange here. Before response headers were sent the reply walks the response hooks; afterwards the
   * stream is reset; from a response hook whose head has not left, the reply goes around the response hooks. Calling it
   * twice has no effect. Text bodies get `content-type: text/plain` unless given.
   */
  reply(status: number, body?: string | Uint8Array, headers?: ReplyHeaders, options?: ReplyOptions): Replied;
  /** Goes on after a request hook answered `STOP`. */
  resumeRequest(): void;
  /** Goes on after a response hook answered `STOP`. */
  resumeResponse(): void;
  /** Ends the exchange at once; the client can tell that the response is incomplete. */
  reset(flag?: number): void;
  /** True after a reply, a reset or completion. */
  readonly finished: boolean;
}

/** What terminal filters (the router) use besides {@link HttpStream}. */
export interface TerminalStream extends HttpStream {
  respondInterim(head: ResponseHeaders): void;
  /** Starts the response; it walks the response hooks in reverse order and then the codec. */
  respondHead(head: ResponseHeaders, end: boolean): void;
  respondData(chunk: Uint8Array, end: boolean, owned: boolean): void;
  respondTrailers(trailers: Headers): void;
  /** Sends what was queued since the last flush; pauses the source while the client does not keep up. */
  flushResponse(): void;
  /** Names the peer that produces the response and consumes the request, for back-pressure and batching. */
  setSource(source: BodySource | undefined): void;
  /** Counted: asks the client connection for no more request body until resumed. */
  pauseRequest(): void;
  resumeRequestBody(): void;
  /**
   * Calls `deadline.onDue()` once after `timeoutMs`, unless the exchange is over or the deadline was cleared or replaced
   * by then. There is one per stream. It costs less than a timer, because the stream's own limits are watched anyway.
   */
  setDeadline(deadline: TerminalDeadline, timeoutMs: number): void;
  /** Takes back what {@link setDeadline} has set. */
  clearDeadline(): void;
  /** Replaces the stream's idle timeout; 0 disables. */
  setIdleTimeout(timeoutMs: number): void;
  /** True when the whole request, body and trailers, has arrived. */
  readonly requestComplete: boolean;
  readonly responseStarted: boolean;
  /** Present where the exchange has a span; absent in stand-ins. */
  readonly tracing?: StreamTracing | undefined;
  /** The chunk that a data hook is looking at may be kept and written without a copy. */
  readonly chunkOwned: boolean;
  /** Limit of what this stream may hold back per direction (`per_connection_buffer_limit_bytes` of the listener). */
  readonly bufferLimitBytes: number;
  /** The request came from an internal client (`x-envoy-internal`). */
  readonly internal: boolean;
  /**
   * Runs the exchange again from the first filter, with the request headers as they now are (internal redirects). Only
   * before the response has started and when the request is complete; `body` and `trailers` are sent through the filters
   * again. The filters of the first run see `onComplete`; access logs see one more exchange, and of the first one `head`
   * as the response that has led here.
   */
  recreate(body: Uint8Array | undefined, trailers: Headers | undefined, head?: ResponseHeaders): void;
  /** The route that a head like `headers` would get; this exchange keeps the one it has. */
  findRoute(headers: RequestHeaders): Route | undefined;
}

/** What a terminal filter wants to be told when its time is over. */
export interface TerminalDeadline {
  onDue(): void;
}

/** The other end of a stream: it can be told to wait, and flushes request parts that came with one read. */
export interface BodySource {
  /** Counted. */
  pause(): void;
  resume(): void;
  flushRequest(): void;
}

/** What a reply of `HttpStream.reply` has besides status, body and headers. */
export interface ReplyOptions {
  /** Bit of `ResponseFlag` to set for logs. */
  readonly flag?: number;
  /** Envoy's response code details, e.g. `route_not_found`. */
  readonly details?: string;
  /** `grpc-status` of the reply to a gRPC request; default: what stands for the HTTP status. */
  readonly grpcStatus?: number;
  /** Changes the head of the reply before it walks the response hooks. */
  readonly modify?: (headers: ResponseHeaders) => void;
}

/** Identifies a filter definition to `routeConfig`. */
export interface FilterHandle<RouteConfig> {
  readonly name: string;
  readonly routeConfig?: { readonly '~types'?: RouteConfig } | undefined;
}

/** The client's connection. */
export interface StreamConnection {
  readonly id: number;
  /** Address of the direct peer without port; empty for unix sockets. */
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly localIp: string;
  readonly localPort: number;
  readonly secure: boolean;
  /** Facts of the handshake; absent without TLS. */
  readonly tls?: TlsInfo | undefined;
  /** Address that the socket came from, when PROXY protocol has told of another client; absent when it is `remoteIp`. */
  readonly directRemoteIp?: string | undefined;
  /** Server name that the client asked for, seen by TLS or by a listener filter; absent or '' without one. */
  readonly serverName?: string | undefined;
  /** The client showed a certificate; absent without TLS. */
  readonly peerCertificatePresented?: boolean | undefined;
  /** It was verified against the configured authorities; absent without TLS. */
  readonly peerCertificateValidated?: boolean | undefined;
  /** The certificate that the client showed; absent without one. */
  readonly peerCertificate?: PeerCertificate | undefined;
  /** The certificate that this side showed; absent without TLS. */
  readonly localCertificate?: LocalCertificate | undefined;
}

/** A client's certificate, as fields for `x-forwarded-client-cert`. Empty texts and lists for what it has not. */
export interface PeerCertificate {
  /** RFC 2253 form. */
  readonly subject: string;
  readonly uriSans: readonly string[];
  readonly dnsSans: readonly string[];
  /** Digest of the DER form, hexadecimal, lower case. */
  readonly sha256: string;
  readonly pem: string;
  /** The certificate and its chain. */
  readonly chainPem: string;
  /** RFC 2253 form. */
  readonly issuer?: string;
  /** Hexadecimal, lower case. */
  readonly serial?: string;
  /** SHA-1 of the DER form, hexadecimal, lower case. */
  readonly sha1?: string;
  readonly emailSans?: readonly string[];
  readonly ipSans?: readonly string[];
  /** Texts of other names. */
  readonly otherSans?: readonly string[];
  /** Unix milliseconds. */
  readonly validFromMs?: number;
  readonly validToMs?: number;
}

/** Facts gathered while the exchange runs; the source of access logs. Times are monotonic milliseconds. */
export interface StreamInfo {
  readonly startMs: number;
  /** Calendar time of the first byte, Unix milliseconds. */
  readonly startWallMs: number;
  requestCompleteMs: number;
  upstreamFirstByteMs: number;
  endMs: number;
  /** When the latest attempt's request began and ended; 0 or absent when it has not. Monotonic ms, likewise below. */
  upstreamTxBeginMs?: number;
  upstreamTxEndMs?: number;
  /** When the upstream's response was whole. */
  upstreamRxEndMs?: number;
  /** When the response head went to the client. */
  downstreamTxBeginMs?: number;
  /** Default none. */
  traceReason?: TraceReason;
  /** Bits of `ResponseFlag`. */
  flags: number;
  /** Envoy's `RESPONSE_CODE_DETAILS`. */
  details: string;
  bytesReceived: number;
  bytesSent: number;
  /** Address that counts as the client after `x-forwarded-for` rules. */
  clientIp: string;
  upstreamHost: Host | undefined;
  /** The upstream's side of the exchange is HTTP/2. */
  upstreamHttp2?: boolean;
  /** What the host is sent is no HTTP but the bytes of a tunnel that ends here (`connect_config`). */
  upstreamTunnel?: boolean;
  /** Somebody asks whether this proxy is well: it counts as nobody's traffic and may stay out of access logs. */
  healthCheck?: boolean;
  /** Names of the listener and of the filter chain that took the client's connection; '' without one. */
  readonly listenerName?: string;
  readonly filterChainName?: string;
  /** The connection to `upstreamHost`; absent before there is one. */
  upstreamConnection?: UpstreamConnection | undefined;
  upstreamCluster: string;
  attempts: number;
  /** Only of entries that are about a connection: its own facts. */
  readonly connectionInfo?: ConnectionInfo | undefined;
  /** Minor version of HTTP/1, or 2, where it is not that of the request head; below zero for none. */
  readonly httpMinor?: number | undefined;
  /** Why the transport of the upstream connection failed, where `details` does not say. */
  readonly upstreamTransportFailure?: string;
  /** Named values that filters hand to one another and to logs; absent until first used. */
  readonly metadata: Map<string, unknown>;
  /** Envoy's filter state: like `metadata`, one value per key, not meant for logs; absent until first used. */
  readonly filterState: Map<string, unknown>;
}
