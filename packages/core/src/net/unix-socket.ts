/** Paths of unix sockets: abstract names of Linux, and files that a dead process left behind. */
import { unlink } from 'node:fs/promises';
import { connect } from 'node:net';

/** `@name` is in the abstract namespace: there is no file. */
export function isAbstract(path: string): boolean {
  return path.startsWith('@');
}

/** What `listen` and `connect` want; abstract names begin with NUL. */
export function socketPath(path: string): string {
  return isAbstract(path) ? `\0${path.slice(1)}` : path;
}

/** Removes a socket file that nobody listens on; one that still answers is left for `listen` to stumble over. */
export async function removeStaleSocket(path: string): Promise<void> {
  if (isAbstract(path)) return;
  const code = await new Promise<string | undefined>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(undefined);
    });
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  if (code === 'ECONNREFUSED') await unlink(path);
}
