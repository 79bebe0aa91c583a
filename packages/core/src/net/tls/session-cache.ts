/** Sessions of TLS up to 1.2 for clients that keep no tickets; bounded, the oldest goes first. */
import type tls from 'node:tls';

/** As many as BoringSSL keeps. */
const MAX_SESSIONS = 20_480;
/** A session with a long certificate chain in it is not worth its memory. */
const MAX_SESSION_BYTES = 8 * 1024;

/** One per transport: all its contexts share it. */
export class SessionCache {
  private readonly sessions = new Map<string, Buffer>();

  get size(): number {
    return this.sessions.size;
  }

  /** Answers the questions of a server. OpenSSL itself sees to it that sessions which are too old are not taken up. */
  serve(server: tls.Server): void {
    server.on('newSession', (id: Buffer, data: Buffer, done: () => void) => {
      this.keep(id.toString('latin1'), data);
      done();
    });
    server.on('resumeSession', (id: Buffer, done: (error: Error | null, data: Buffer | null) => void) => {
      done(null, this.sessions.get(id.toString('latin1')) ?? null);
    });
  }

  private keep(id: string, data: Buffer): void {
    if (id === '' || data.length > MAX_SESSION_BYTES) return;
    this.sessions.delete(id);
    this.sessions.set(id, data);
    if (this.sessions.size <= MAX_SESSIONS) return;
    const oldest = this.sessions.keys().next().value;
    if (oldest !== undefined) this.sessions.delete(oldest);
  }

  clear(): void {
    this.sessions.clear();
  }
}
