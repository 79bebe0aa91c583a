/** The file that events are appended to: opened with the first one, so that clusters without any hold no file open. */
import { type LogSink, openLogFile } from '@mesh/core';

/** Never blocks; what cannot be written is dropped, with a word in the log. */
export class EventFile {
  private readonly path: string;
  private readonly onProblem: (message: string) => void;
  private sink: LogSink | undefined = undefined;
  private over = false;

  /** `onProblem` hears when the file cannot be opened; events are lost from then on. */
  constructor(path: string, onProblem: (message: string) => void) {
    this.path = path;
    this.onProblem = onProblem;
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
