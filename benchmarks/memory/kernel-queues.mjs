/** Bytes that sit in kernel socket buffers, from /proc/net/tcp and tcp6. */
import { existsSync, readFileSync } from 'node:fs';

/** @typedef {{ unsent: number, unread: number }} Queues bytes the peer has not acknowledged; bytes the owner has not read */

/** @returns {(localPort: number, remotePort: number) => Queues} a look-up in one snapshot */
export function kernelQueues() {
  /** @type {Map<string, Queues>} */
  const sockets = new Map();
  for (const path of ['/proc/net/tcp', '/proc/net/tcp6']) {
    if (!existsSync(path)) continue;
    for (const line of readFileSync(path, 'latin1').split('\n').slice(1)) {
      const [, local, remote, , queues] = line.trim().split(/\s+/);
      if (!local || !remote || !queues) continue;
      const [unsent = '0', unread = '0'] = queues.split(':');
      sockets.set(`${portOf(local)}:${portOf(remote)}`, {
        unsent: Number.parseInt(unsent, 16),
        unread: Number.parseInt(unread, 16),
      });
    }
  }
  return (localPort, remotePort) => sockets.get(`${localPort}:${remotePort}`) ?? { unsent: 0, unread: 0 };
}

/** @param {string} address hexadecimal `address:port` */
function portOf(address) {
  return Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 16);
}
