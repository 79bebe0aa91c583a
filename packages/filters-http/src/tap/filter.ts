/** Shows requests and responses, as they pass, to whoever has asked for them. */
import type {
  Counter,
  Headers,
  HttpFilter,
  HttpFilterContext,
  HttpStream,
  RequestHeaders,
  ResponseHeaders,
  Runtime,
  RuntimeFraction,
  TapSink,
  TapSource,
} from '@mesh/core';
import type { TapSettings } from '@mesh/core/proto';
import type { TapFilterConfig } from './config.ts';
import { TapMatcher } from './matcher.ts';
import { AdminOutput, FileOutput, type TapOutput } from './outputs.ts';
import { type ActiveTap, Tapper } from './tapper.ts';

interface TapStats {
  readonly tapped: Counter;
  readonly sampledOut: Counter;
  /** Not in Envoy, where memory grows instead. */
  readonly dropped: Counter;
}

const DENOMINATORS = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;

export class TapFilter implements HttpFilter, TapSource {
  readonly onlyLooks = true;
  private readonly config: TapFilterConfig;
  private readonly runtime: Runtime;
  private readonly stats: TapStats;
  private active: ActiveTap | undefined = undefined;
  private share: RuntimeFraction | undefined = undefined;
  /** Requests under way that are looked at. While it is empty nothing but its size is asked for. */
  private readonly tappers = new Map<HttpStream, Tapper>();

  /** @throws SyntaxError for a bad regular expression. */
  constructor(config: TapFilterConfig, { runtime, stats, taps }: HttpFilterContext) {
    this.config = config;
    this.runtime = runtime;
    const scope = stats.scope('tap.');
    this.stats = {
      tapped: scope.counter('rq_tapped'),
      sampledOut: scope.counter('rq_sampled_out'),
      dropped: scope.counter('traces_dropped'),
    };
    const { adminConfig, staticConfig } = config.commonConfig;
    if (adminConfig !== undefined) taps?.register(adminConfig.configId, this);
    else if (staticConfig !== undefined) this.begin(staticConfig, undefined);
  }

  attach(settings: object, sink: TapSink): void {
    this.begin(settings as TapSettings, sink);
  }

  detach(): void {
    this.active = undefined;
    this.tappers.clear();
  }

  private begin({ match, matchConfig, outputConfig, tapEnabled }: TapSettings, admin: TapSink | undefined): void {
    const { recordHeadersReceivedTime, recordDownstreamConnection, recordUpstreamConnection } = this.config;
    const { sinks, streaming, maxBufferedRxBytes, maxBufferedTxBytes } = outputConfig;
    const [sink] = sinks;
    const dropped = () => this.stats.dropped.inc();
    const path = sink?.filePerTap?.pathPrefix;
    const output = path === undefined ? admin && new AdminOutput(admin) : new FileOutput(path, dropped);
    this.share = tapEnabled && {
      numerator: tapEnabled.defaultValue.numerator,
      denominator: DENOMINATORS[tapEnabled.defaultValue.denominator],
      runtimeKey: tapEnabled.runtimeKey ?? '',
    };
    this.active = {
      matcher: new TapMatcher(match ?? matchConfig ?? {}),
      output: output as TapOutput,
      streaming,
      maxRequestBytes: maxBufferedRxBytes,
      maxResponseBytes: maxBufferedTxBytes,
      asString: sink?.format === 'JSON_BODY_AS_STRING',
      share: tapEnabled?.defaultValue,
      recordTimes: recordHeadersReceivedTime,
      recordDownstream: recordDownstreamConnection,
      recordUpstream: recordUpstreamConnection,
      dropped,
    };
  }

  onRequestHeaders(headers: RequestHeaders, stream: HttpStream): void {
    const { active, share } = this;
    if (active === undefined) return;
    if (share !== undefined && !this.runtime.enabled(share, stream.random)) {
      this.stats.sampledOut.inc();
      return;
    }
    const tapper = new Tapper(active, stream.id);
    this.tappers.set(stream, tapper);
    tapper.onRequestHead(headers, stream.timers.clock.wallMs());
  }

  onRequestData(chunk: Uint8Array, stream: HttpStream): void {
    if (this.tappers.size > 0) this.tappers.get(stream)?.onRequestData(chunk);
  }

  onRequestTrailers(trailers: Headers, stream: HttpStream): void {
    if (this.tappers.size > 0) this.tappers.get(stream)?.onRequestTrailers(trailers);
  }

  onResponseHeaders(headers: ResponseHeaders, stream: HttpStream): void {
    if (this.tappers.size > 0) this.tappers.get(stream)?.onResponseHead(headers, stream.timers.clock.wallMs());
  }

  onResponseData(chunk: Uint8Array, stream: HttpStream): void {
    if (this.tappers.size > 0) this.tappers.get(stream)?.onResponseData(chunk);
  }

  onResponseTrailers(trailers: Headers, stream: HttpStream): void {
    if (this.tappers.size > 0) this.tappers.get(stream)?.onResponseTrailers(trailers);
  }

  onComplete(stream: HttpStream): void {
    if (this.tappers.size === 0) return;
    const tapper = this.tappers.get(stream);
    if (tapper === undefined) return;
    this.tappers.delete(stream);
    if (tapper.end(stream)) this.stats.tapped.inc();
  }
}
