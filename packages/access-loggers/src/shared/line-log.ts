/** An access log that writes lines: a format, and a file that takes them. */
import { type AccessLog, compileAccessLogFormat, type LogFormatSettings, type ObserverContext } from '@mesh/core';

/** @throws Error in Envoy's words when the file cannot be opened. */
export function lineLog(path: string, format: LogFormatSettings | undefined, { files }: ObserverContext): AccessLog {
  const print = compileAccessLogFormat(format);
  const output = files.open(path);
  return {
    log: (subject, type) => output.writeWire(print(subject, type)),
    close: () => output.close(),
  };
}
