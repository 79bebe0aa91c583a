/** How metrics are written for statsd and its dialects. */
import type { MetricTag, SampleUnit, TaggedMetric } from '@mesh/core';

/** Where tags stand in a line: nowhere, behind the value as DogStatsD has them, or behind the name as Graphite has them. */
export type TagStyle = 'none' | 'dog' | 'graphite';

/** Options of {@link StatsdLines}. */
export interface LineOptions {
  /** '' is `envoy`, as in Envoy. */
  readonly prefix: string;
  readonly tags: TagStyle;
  /** Samples in microseconds are written in milliseconds; otherwise every number stands as it was recorded. */
  readonly scaleToMs: boolean;
}

/** Samples of this many parts are the whole (Envoy's `PercentScale`). */
const PERCENT_SCALE = 1_000_000;

/** What stands around the value in the lines of one metric. */
interface Frame {
  readonly before: string;
  readonly after: string;
}

/** Writes lines without a line feed; what surrounds the value is put together once per metric. */
export class StatsdLines {
  private readonly prefix: string;
  private readonly style: TagStyle;
  private readonly scaleToMs: boolean;
  private readonly frames = new WeakMap<TaggedMetric, Frame>();

  constructor({ prefix, tags, scaleToMs }: LineOptions) {
    this.prefix = prefix === '' ? 'envoy' : prefix;
    this.style = tags;
    this.scaleToMs = scaleToMs;
  }

  /** e.g. `envoy.http.ingress.downstream_rq_total:3|c`. */
  counter(metric: TaggedMetric, delta: number): string {
    const { before, after } = this.frameOf(metric);
    return `${before}${delta}|c${after}`;
  }

  /** e.g. `envoy.server.live:1|g`. */
  gauge(metric: TaggedMetric, value: number): string {
    const { before, after } = this.frameOf(metric);
    return `${before}${value}|g${after}`;
  }

  /** e.g. `envoy.http.ingress.downstream_rq_time:12|ms`. As in Envoy all samples are timers, but for shares of a whole. */
  sample(metric: TaggedMetric & { readonly unit: SampleUnit }, value: number): string {
    const { before, after } = this.frameOf(metric);
    if (metric.unit === 'percent') return `${before}${value / PERCENT_SCALE}|h${after}`;
    return `${before}${this.scaleToMs && metric.unit === 'us' ? value / 1000 : value}|ms${after}`;
  }

  private frameOf(metric: TaggedMetric): Frame {
    let frame = this.frames.get(metric);
    if (frame === undefined) {
      frame = this.makeFrame(metric);
      this.frames.set(metric, frame);
    }
    return frame;
  }

  private makeFrame({ name, tagExtractedName, tags }: TaggedMetric): Frame {
    const { prefix, style } = this;
    if (style === 'none') return { before: `${prefix}.${oneLine(name)}:`, after: '' };
    const bare = `${prefix}.${oneLine(tagExtractedName)}`;
    if (tags.length === 0) return { before: `${bare}:`, after: '' };
    if (style === 'dog') return { before: `${bare}:`, after: `|#${joined(tags, ':', ',')}` };
    return { before: `${bare};${joined(tags, '=', ';')}:`, after: '' };
  }
}

function joined(tags: readonly MetricTag[], assign: string, separator: string): string {
  return tags.map(({ name, value }) => oneLine(`${name}${assign}${value}`)).join(separator);
}

/** A name that traffic made must not begin a line of its own. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]/g, '_');
}
