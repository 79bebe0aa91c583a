/** The file that events are appended to: held open from the first one on, so that quiet clusters cost no descriptor. */
import { type LogFiles, type LogOutput, MeshError } from '@mesh/core';

/** Never blocks; what cannot be written is dropped, with a word in the log. */
export class EventFile {
  private readonly path: string;
  private readonly onProblem: (message: string) => void;
  private readonly files: LogFiles;
  private output: LogOutput | undefined = undefined;
  private over = false;

  /**
   * `onProblem` hears when the file cannot be opened any more; events are lost from then on.
   *
   * @throws MeshError `CONFIG_INVALID` when it cannot be opened now, as Envoy does not start then.
   */
  constructor(path: string, files: LogFiles, onProblem: (message: string) => void) {
    this.path = path;
    this.files = files;
    this.onProblem = onProblem;
    try {
      void files.open(path).close();
    } catch (error) {
      throw new MeshError('CONFIG_INVALID', (error as Error).message, { cause: error });
    }
  }

  /** Appends a line. */
  write(line: string): void {
    if (this.over) return;
    try {
      this.output ??= this.files.open(this.path);
      this.output.write(`${line}\n`, true);
    } catch (error) {
      this.over = true;
      this.onProblem(`no outlier events are written: ${(error as Error).message}`);
    }
  }

  close(): void {
    this.over = true;
    void this.output?.close();
  }
}
