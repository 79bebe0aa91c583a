/** What a log file's bytes go to: an open file, or a socket that the process was given as standard output. */
import fs from 'node:fs';
import net from 'node:net';

/** One write at a time. */
export interface LogTarget {
  /** `done` is never called before it returns. */
  write(bytes: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void;
  /** Writes what can be written without waiting, and answers how much that was. @throws Error of the file system. */
  writeNow(bytes: Buffer): number;
  close(): void;
}

/**
 * Non-blocking matters only for named pipes: opening one without a reader, or writing to one that nobody empties,
 * would hold a worker thread for ever, and with it the end of the process. A pipe that is opened as /dev/stdout is
 * non-blocking for us alone.
 */
const FLAGS = fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_CREAT | fs.constants.O_NONBLOCK;

const OWN: ReadonlyMap<string, number> = new Map([
  ['/dev/stdout', 1],
  ['/dev/fd/1', 1],
  ['/proc/self/fd/1', 1],
  ['/dev/stderr', 2],
  ['/dev/fd/2', 2],
  ['/proc/self/fd/2', 2],
]);

/** Opens for appending. @throws Error of the file system when it cannot be opened now. */
export function openTarget(path: string): LogTarget {
  try {
    return new FileTarget(fs.openSync(path, FLAGS, 0o644));
  } catch (error) {
    return ownSocket(path, error as NodeJS.ErrnoException);
  }
}

/** The same, without waiting for the disk. */
export function openTargetLater(path: string): Promise<LogTarget> {
  return new Promise((resolve, reject) => {
    fs.open(path, FLAGS, 0o644, (error, fd) => {
      if (error === null) return resolve(new FileTarget(fd));
      try {
        resolve(ownSocket(path, error));
      } catch (given) {
        reject(given);
      }
    });
  });
}

/** Sockets cannot be opened by their path (ENXIO): supervisors such as systemd give one as standard output. */
function ownSocket(path: string, error: NodeJS.ErrnoException): LogTarget {
  const fd = OWN.get(path);
  if (fd === undefined || error.code !== 'ENXIO') throw error;
  const known = sockets.get(fd) ?? new SocketTarget(fd);
  sockets.set(fd, known);
  return known;
}

class FileTarget implements LogTarget {
  private readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  write(bytes: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void {
    fs.write(this.fd, bytes, 0, bytes.length, null, done);
  }

  writeNow(bytes: Buffer): number {
    return fs.writeSync(this.fd, bytes);
  }

  close(): void {
    fs.closeSync(this.fd);
  }
}

/** Standard output and standard error belong to the process: one object for each, never closed. */
const sockets = new Map<number, SocketTarget>();

class SocketTarget implements LogTarget {
  private readonly socket: net.Socket;
  private error: Error | undefined = undefined;

  constructor(fd: number) {
    this.socket = new net.Socket({ fd, readable: false, writable: true });
    this.socket.on('error', (error) => {
      this.error = error;
    });
    this.socket.unref();
  }

  write(bytes: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void {
    this.socket.write(bytes, (error) => {
      done((error as NodeJS.ErrnoException | null | undefined) ?? null, error ? 0 : bytes.length);
    });
  }

  writeNow(bytes: Buffer): number {
    if (this.error !== undefined) throw this.error;
    this.socket.write(bytes);
    return bytes.length;
  }

  close(): void {}
}
