/** One question to one name server, over UDP or TCP. Every question has a socket, and so a port, of its own. */
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { Clock } from '@mesh/core';
import { dnsError } from './lookup.ts';

/** A name server. */
export interface NameServer {
  readonly ip: string;
  readonly port: number;
}

/** One exchange. `read` gives `undefined` for what is no answer; then the wait goes on. */
export interface Exchange<Result> {
  readonly server: NameServer;
  readonly bytes: Uint8Array;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Gives the exchange up. */
  readonly signal: AbortSignal | undefined;
  read(bytes: Uint8Array): Result | undefined;
}

/** Asks with one datagram. Datagrams of others do not get through: the socket is connected. */
export function askUdp<Result>({ server, bytes, clock, timeoutMs, signal, read }: Exchange<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(server.ip) ? 'udp6' : 'udp4');
    const cancel = clock.schedule(() => end(() => reject(silence(server))), timeoutMs);
    const giveUp = () => end(() => reject(givenUp()));
    const end = (settle: () => void): void => {
      cancel();
      signal?.removeEventListener('abort', giveUp);
      socket.removeAllListeners().on('error', () => {});
      socket.close();
      settle();
    };
    signal?.addEventListener('abort', giveUp);
    socket.on('error', (error) => end(() => reject(error)));
    socket.on('message', (message) => {
      const result = read(message);
      if (result !== undefined) end(() => resolve(result));
    });
    // The port is the system's choice and so another one for each question.
    socket.connect(server.port, server.ip, () => socket.send(bytes));
  });
}

/** Asks over a connection of its own; a message has two bytes of length before it, and so at most 64 KiB. */
export function askTcp<Result>({ server, bytes, clock, timeoutMs, signal, read }: Exchange<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.ip, port: server.port, noDelay: true });
    const cancel = clock.schedule(() => end(() => reject(silence(server))), timeoutMs);
    const giveUp = () => end(() => reject(givenUp()));
    let received = Buffer.alloc(0);
    const end = (settle: () => void): void => {
      cancel();
      signal?.removeEventListener('abort', giveUp);
      socket.removeAllListeners().on('error', () => {});
      socket.destroy();
      settle();
    };
    signal?.addEventListener('abort', giveUp);
    socket.on('error', (error) => end(() => reject(error)));
    socket.on('close', () => end(() => reject(dnsError('ECONNRESET', `${server.ip} closed the connection`))));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const length = received.readUInt16BE(0);
        const result = read(received.subarray(2, 2 + length));
        if (result !== undefined) return end(() => resolve(result));
        received = received.subarray(2 + length);
      }
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    socket.write(Buffer.concat([length, bytes]));
  });
}

function silence({ ip, port }: NameServer): Error {
  return dnsError('ETIMEOUT', `no answer from ${ip}:${port}`);
}

/** The error of a lookup that nobody waits for. */
export function givenUp(): Error {
  return dnsError('ECANCELLED', 'nobody waits for the answer any more');
}
