/** The file that events are appended to: held open from the first one on, so that quiet clusters cost no descriptor. */
import { type LogSink, MeshError, openLogFile } from '@mesh/core';

/** Never blocks; what cannot be written is dropped, with a word in the log. */
export class EventFile {
  private readonly path: string;
  private readonly onProblem: (message: string) => void;
  private sink: LogSink | undefined = undefined;
  private over = false;

  /**
   * `onProblem` hears when the file cannot be opened any more; events are lost from then on.
   *
   * @throws MeshError `CONFIG_INVALID` when it cannot be opened now, as Envoy does not start then.
   */
  constructor(path: string, onProblem: (message: string) => void) {
    this.path = path;
    this.onProblem = onProblem;
    try {
      void openLogFile(path).close();
    } catch (error) {
      throw new MeshError('CONFIG_INVALID', `unable to open file '${path}': ${(error as Error).message}`);
    }
  }

  /** Appends a line. */
  write(line: string): void {
    if (this.over) return;
    try {
      this.sink ??= openLogFile(this.path);
      this.sink.write(`${line}\n`, true);
    } catch (error) {
      this.over = true;
      this.onProblem(`no outlier events are written: ${(error as Error).message}`);
    }
  }

  close(): void {
    this.over = true;
    void this.sink?.close();
  }
}
