/** What the program touches outside of itself, so that tests can stand in for it. */

/** Signals that the program listens to. */
export type Signal = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGUSR1';

/** The outside world of one run. */
export interface Io {
  /** Prints to standard output; resolves when the text has left the process. */
  out(text: string): Promise<void>;
  /** Prints to standard error; resolves when the text has left the process. */
  err(text: string): Promise<void>;
  /** Calls `callback` with each signal; the returned function stops that. */
  onSignal(signal: Signal, callback: () => void): () => void;
  /** Calls `callback` for exceptions and rejections that nobody caught; the returned function stops that. */
  onUncaught(callback: (error: unknown, kind: UncaughtKind) => void): () => void;
  /** Ends the process now. */
  exit(code: number): void;
  /** As `process.version`. */
  readonly nodeVersion: string;
  /** Unix time in milliseconds. */
  nowMs(): number;
}

/** How an error escaped. */
export type UncaughtKind = 'exception' | 'rejection';

/** The real process. */
export const processIo: Io = {
  out: (text) => print(process.stdout, text),
  err: (text) => print(process.stderr, text),
  onSignal: (signal, callback) => {
    process.on(signal, callback);
    return () => process.off(signal, callback);
  },
  onUncaught: (callback) => {
    const onException = (error: unknown) => callback(error, 'exception');
    const onRejection = (error: unknown) => callback(error, 'rejection');
    process.on('uncaughtException', onException);
    process.on('unhandledRejection', onRejection);
    return () => {
      process.off('uncaughtException', onException);
      process.off('unhandledRejection', onRejection);
    };
  },
  exit: (code) => process.exit(code),
  nodeVersion: process.version,
  nowMs: () => Date.now(),
};

/** A reader that has gone away (`mesh schema | head`) is no reason to fail. */
function print(stream: NodeJS.WriteStream, text: string): Promise<void> {
  if (stream.listenerCount('error') === 0) stream.on('error', () => {});
  return new Promise((resolve) => stream.write(text, () => resolve()));
}
