/** An attempt, as access logs are told of it: the request of the exchange, and what one host has made of it. */
import type {
  Clusters,
  Headers,
  Host,
  LogSubject,
  RequestHeaders,
  ResponseHeaders,
  Route,
  Runtime,
  Span,
  StreamConnection,
  StreamInfo,
  TerminalStream,
  Timers,
  UpstreamConnection,
} from '@mesh/core';

export class AttemptSubject implements LogSubject {
  readonly id: number;
  readonly requestHeaders: RequestHeaders;
  responseHeaders: ResponseHeaders | undefined = undefined;
  readonly requestTrailers: Headers | undefined;
  responseTrailers: Headers | undefined = undefined;
  readonly route: Route | undefined;
  readonly connection: StreamConnection;
  readonly info: AttemptInfo;
  readonly clusters: Clusters;
  readonly timers: Timers;
  readonly runtime: Runtime;
  readonly random: number;
  readonly span: Span | undefined;

  constructor(stream: TerminalStream, host: Host, cluster: string) {
    this.id = stream.id;
    this.requestHeaders = stream.requestHeaders;
    this.requestTrailers = stream.requestTrailers;
    this.route = stream.route;
    this.connection = stream.connection;
    this.clusters = stream.clusters;
    this.timers = stream.timers;
    this.runtime = stream.runtime;
    this.random = stream.random;
    this.span = stream.span;
    this.info = new AttemptInfo(stream.info, host, cluster, stream.timers);
  }

  ready(http2: boolean): void {
    const { info } = this;
    info.httpMinor = http2 ? 2 : 1;
    info.upstreamHttp2 = http2;
    info.upstreamConnection = info.stream.upstreamConnection;
  }

  head(head: ResponseHeaders): void {
    this.responseHeaders = head;
    this.info.upstreamFirstByteMs = this.timers.nowMs();
  }

  failed(flag: number, transportFailure: string): void {
    this.info.flags |= flag;
    this.info.upstreamTransportFailure = transportFailure;
  }
}

/** As in Envoy received and sent are seen from this side of the upstream: received is what the host has sent. */
class AttemptInfo implements StreamInfo {
  readonly stream: StreamInfo;
  readonly startMs: number;
  readonly startWallMs: number;
  readonly requestCompleteMs: number = 0;
  upstreamFirstByteMs = 0;
  endMs = 0;
  flags = 0;
  readonly details = '';
  bytesReceived = 0;
  readonly clientIp: string;
  readonly upstreamHost: Host;
  upstreamHttp2 = false;
  /** -1: there is no connection yet. */
  httpMinor = -1;
  upstreamConnection: UpstreamConnection | undefined = undefined;
  upstreamTransportFailure = '';
  readonly upstreamCluster: string;
  readonly attempts = 0;
  readonly healthCheck: boolean;
  readonly listenerName: string;
  readonly filterChainName: string;

  constructor(stream: StreamInfo, host: Host, cluster: string, timers: Timers) {
    this.stream = stream;
    this.startMs = timers.nowMs();
    this.startWallMs = timers.clock.wallMs() - (timers.clock.nowMs() - this.startMs);
    this.clientIp = stream.clientIp;
    this.upstreamHost = host;
    this.upstreamCluster = cluster;
    this.healthCheck = stream.healthCheck ?? false;
    this.listenerName = stream.listenerName ?? '';
    this.filterChainName = stream.filterChainName ?? '';
  }

  get bytesSent(): number {
    return this.stream.bytesReceived;
  }
  get metadata(): Map<string, unknown> {
    return this.stream.metadata;
  }
  get filterState(): Map<string, unknown> {
    return this.stream.filterState;
  }
}
