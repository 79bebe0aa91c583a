/**
 * Counts what a hostile peer makes cheap for itself and dear for us, and says when it is too much. Every limit is
 * Envoy's: the frame that exceeds it ends the connection with ENHANCE_YOUR_CALM.
 */
import type { Http2CodecStats } from '../stats/index.ts';
import { Flag, FrameType } from './frames.ts';
import type { Http2Options } from './options.ts';

/** Frames of 16 KiB that a head may take up beyond what its own limit needs. */
const SPARE_CONTINUATIONS = 8;

export class FloodGuard {
  private readonly options: Http2Options;
  private readonly stats: Http2CodecStats;
  private readonly maxContinuations: number;
  private emptyFrames = 0;
  private priorityFrames = 0;
  private windowUpdates = 0;
  private continuations = 0;
  private openedStreams = 0;
  /** DATA frames sent. */
  dataFrames = 0;
  /** Frames that wait in this process, or did a moment ago. */
  private outbound = 0;
  private outboundControl = 0;
  /** Those of them that were queued behind the mark, a number of bytes written. */
  private recent = 0;
  private recentControl = 0;
  private mark = 0;
  /** What the gauges show of the two. */
  private shown = 0;
  private shownControl = 0;
  private closedStreams = 0;
  private prematureResets = 0;

  constructor(options: Http2Options, stats: Http2CodecStats) {
    this.options = options;
    this.stats = stats;
    this.maxContinuations = SPARE_CONTINUATIONS + (options.limits.maxBytes >> 13);
  }

  streamOpened(): void {
    this.openedStreams++;
  }

  /** One received frame; `payload` is its length without padding. Answers with details when it is one too many. */
  received(type: number, flags: number, payload: number): string | undefined {
    switch (type) {
      case FrameType.DATA:
        return this.judgeEmpty(payload > 0 || (flags & Flag.END_STREAM) !== 0);
      case FrameType.HEADERS:
        this.continuations = 0;
        return this.judgeEmpty(payload > 0 || (flags & Flag.END_STREAM) !== 0);
      case FrameType.CONTINUATION:
        if (++this.continuations > this.maxContinuations) return 'http2.too_many_continuations';
        return this.judgeEmpty(payload > 0);
      case FrameType.PRIORITY:
        return this.judgePriority();
      case FrameType.WINDOW_UPDATE:
        return this.judgeWindowUpdate();
      default:
        return undefined;
    }
  }

  private judgeEmpty(useful: boolean): string | undefined {
    if (useful) {
      this.emptyFrames = 0;
      return undefined;
    }
    if (++this.emptyFrames <= this.options.maxConsecutiveInboundFramesWithEmptyPayload) return undefined;
    this.stats.inbound_empty_frames_flood.value++;
    return 'http2.inbound_empty_frames_flood';
  }

  private judgePriority(): string | undefined {
    const limit = this.options.maxInboundPriorityFramesPerStream * (1 + this.openedStreams);
    if (++this.priorityFrames <= limit) return undefined;
    this.stats.inbound_priority_frames_flood.value++;
    return 'http2.inbound_priority_frames_flood';
  }

  private judgeWindowUpdate(): string | undefined {
    const perData = this.options.maxInboundWindowUpdateFramesPerDataFrameSent;
    const limit = 5 + 2 * (this.openedStreams + perData * this.dataFrames);
    if (++this.windowUpdates <= limit) return undefined;
    this.stats.inbound_window_update_frames_flood.value++;
    return 'http2.inbound_window_update_frames_flood';
  }

  /** A frame is queued. True: the limit is passed unless the socket takes what is queued. */
  queued(control: boolean): boolean {
    if (control) {
      this.outboundControl++;
      this.recentControl++;
    }
    this.outbound++;
    this.recent++;
    return this.overLimit;
  }

  private get overLimit(): boolean {
    const { options } = this;
    return this.outbound > options.maxOutboundFrames || this.outboundControl > options.maxOutboundControlFrames;
  }

  /**
   * After an attempt to write: of `total` bytes so far `left` wait in this process. A socket that is never empty, because
   * its peer reads slowly or TLS writes later, still takes what came first: frames are let go by the mark that stood
   * behind them, which forgets them late by one mark at most.
   */
  written(left: number, total: number): void {
    const { stats } = this;
    if (left > 0) {
      if (total - left >= this.mark) this.passMark(total);
      stats.outbound_frames_active.value += this.outbound - this.shown;
      stats.outbound_control_frames_active.value += this.outboundControl - this.shownControl;
      this.shown = this.outbound;
      this.shownControl = this.outboundControl;
    } else if (this.outbound > 0) this.drained();
  }

  private passMark(total: number): void {
    this.outbound = this.recent;
    this.outboundControl = this.recentControl;
    this.recent = 0;
    this.recentControl = 0;
    this.mark = total;
  }

  private drained(): void {
    if (this.shown > 0) {
      this.stats.outbound_frames_active.value -= this.shown;
      this.stats.outbound_control_frames_active.value -= this.shownControl;
      this.shown = 0;
      this.shownControl = 0;
    }
    this.outbound = 0;
    this.outboundControl = 0;
    this.recent = 0;
    this.recentControl = 0;
  }

  /** Details when more frames wait than may. */
  outboundFlood(): string | undefined {
    const { options, stats } = this;
    if (this.outbound > options.maxOutboundFrames) {
      stats.outbound_flood.value++;
      return 'http2.outbound_flood';
    }
    if (this.outboundControl > options.maxOutboundControlFrames) {
      stats.outbound_control_flood.value++;
      return 'http2.outbound_control_flood';
    }
    return undefined;
  }

  /** The connection is gone: gives back what the gauges show. */
  closed(): void {
    this.drained();
  }

  /**
   * A request is over; `premature` when it ended young and without an answer, by RST_STREAM of the client or by a frame
   * that made this side send one. True: at least half of the streams did, even if every further one up to the limit
   * should be good.
   */
  requestEnded(premature: boolean): boolean {
    this.closedStreams++;
    if (premature) this.prematureResets++;
    if (this.prematureResets === 0) return false;
    const limit = this.options.prematureResetStreamCount;
    return this.prematureResets * 2 >= Math.max(limit, this.closedStreams) && limit > 0;
  }
}
