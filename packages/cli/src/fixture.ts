/** A stand-in for the process: records what is printed, and sends signals when told to. */
import type { Io, Signal, UncaughtKind } from './io.ts';

/** An {@link Io} that a test holds in its hands. */
export class TestIo implements Io {
  stdout = '';
  stderr = '';
  exitCode: number | undefined = undefined;
  nodeVersion = 'v24.22.1';
  readonly #signals = new Map<Signal, () => void>();
  #uncaught: ((error: unknown, kind: UncaughtKind) => void) | undefined = undefined;

  async out(text: string): Promise<void> {
    this.stdout += text;
  }
  async err(text: string): Promise<void> {
    this.stderr += text;
  }
  onSignal(signal: Signal, callback: () => void): () => void {
    this.#signals.set(signal, callback);
    return () => this.#signals.delete(signal);
  }
  onUncaught(callback: (error: unknown, kind: UncaughtKind) => void): () => void {
    this.#uncaught = callback;
    return () => {
      this.#uncaught = undefined;
    };
  }
  exit(code: number): void {
    this.exitCode = code;
  }
  nowMs(): number {
    return Date.UTC(2026, 10, 21);
  }
  /** Sends a signal; false when nobody listens. */
  signal(name: Signal): boolean {
    const callback = this.#signals.get(name);
    callback?.();
    return callback !== undefined;
  }
  /** Lets an error escape; false when nobody listens. */
  escape(error: unknown, kind: UncaughtKind): boolean {
    this.#uncaught?.(error, kind);
    return this.#uncaught !== undefined;
  }
}
