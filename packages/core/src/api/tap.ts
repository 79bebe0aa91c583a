/** Taps: how a filter shows to the admin server's `/tap` what passes it. */
/** Something that can be tapped. */
export interface TapSource {
  /**
   * Somebody has attached; there is one at a time. `config` is what `tapConfig` of `@mesh/core/proto` has read.
   * @throws Error when it cannot be carried out.
   */
  attach(config: object, sink: TapSink): void;
  /** Nobody wants traces any more; what is still gathered may be dropped. */
  detach(): void;
}

/** Takes traces. It never blocks, and holds a bounded number of bytes for a client that does not keep up. */
export interface TapSink {
  /** A whole trace as text; false when there is no room for it. */
  take(trace: string): boolean;
}

/** Where sources are found, by `config_id`. */
export interface Taps {
  /** Several sources may have one id: they are tapped together. A source is taken out with its filter chain. */
  register(configId: string, source: TapSource): void;
}
