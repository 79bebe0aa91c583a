/**
 * Sessions of upstream hosts, for the next handshake. A session stands for a certificate that has been verified: it is
 * offered only where the same names are asked for, and all are forgotten when certificates or authorities change.
 */
import type { X509Certificate } from 'node:crypto';
import type { SecureContext } from 'node:tls';

/** What a resumed connection needs of the one before. */
export interface KeptSession {
  readonly session: Buffer;
  /** Node.js does not tell the certificate of a resumed connection. */
  readonly leaf: X509Certificate;
  /** What OpenSSL had against its chain, and nothing forgave (`ACCEPT_UNTRUSTED`). */
  readonly chainError: string | undefined;
  /** TLS 1.3: shall be offered once. */
  readonly once: boolean;
}

/** Pairs of host and names with sessions at a time; what was used longest ago is forgotten. */
const MAX_TARGETS = 256;

export class ClientSessions {
  private readonly maxPerTarget: number;
  private readonly byTarget = new Map<string, KeptSession[]>();
  private context: SecureContext | undefined = undefined;

  /** @param maxPerTarget Envoy `max_session_keys`, here for each host; 0 keeps none */
  constructor(maxPerTarget: number) {
    this.maxPerTarget = maxPerTarget;
  }

  get enabled(): boolean {
    return this.maxPerTarget > 0;
  }

  /** The latest session of a target, for a connection with `context`. */
  take(target: string, context: SecureContext): KeptSession | undefined {
    if (context !== this.context) return undefined;
    const kept = this.byTarget.get(target);
    const latest = kept?.at(-1);
    if (latest?.once) kept?.pop();
    if (kept?.length === 0) this.byTarget.delete(target);
    return latest;
  }

  keep(target: string, context: SecureContext, session: KeptSession): void {
    if (context !== this.context) {
      this.byTarget.clear();
      this.context = context;
    }
    const kept = this.byTarget.get(target) ?? [];
    this.byTarget.delete(target);
    this.byTarget.set(target, kept);
    kept.push(session);
    if (kept.length > this.maxPerTarget) kept.shift();
    if (this.byTarget.size <= MAX_TARGETS) return;
    const [oldest] = this.byTarget.keys();
    if (oldest !== undefined) this.byTarget.delete(oldest);
  }

  clear(): void {
    this.byTarget.clear();
  }
}
