/** Counts handshakes by what was agreed on: `ssl.ciphers.<name>`, `ssl.versions.<name>` and so on. */
import type { Scope } from '../../stats/index.ts';
import { type SslStats, sslSocketFactoryStats, sslStats } from '../../stats/index.ts';

/** What a handshake has agreed on; a part is absent where OpenSSL does not tell. */
export interface Agreed {
  readonly version: string;
  readonly cipher: string;
  readonly curve?: string | undefined;
  readonly sigalg?: string | undefined;
  readonly resumed: boolean;
  /** The peer showed no certificate. */
  readonly noCertificate: boolean;
}

/** The counters of one listener or cluster. */
export class HandshakeCounters {
  readonly stats: SslStats;
  private readonly scope: Scope;
  private readonly counters = new Map<string, { inc(): void }>();

  constructor(scope: Scope, side: 'server' | 'client') {
    this.stats = sslStats(scope);
    sslSocketFactoryStats(scope, side);
    this.scope = scope;
  }

  /** Counts a handshake that is over. */
  handshake({ version, cipher, curve, sigalg, resumed, noCertificate }: Agreed): void {
    this.stats.handshake.inc();
    if (resumed) this.stats.session_reused.inc();
    if (noCertificate) this.stats.no_certificate.inc();
    this.count('ciphers', cipher);
    this.count('versions', version);
    if (curve !== undefined) this.count('curves', curve);
    if (sigalg !== undefined) this.count('sigalgs', sigalg);
  }

  /** The names are OpenSSL's own, so that their number is limited. */
  private count(kind: string, name: string): void {
    if (name === '') return;
    const key = `ssl.${kind}.${name}`;
    let counter = this.counters.get(key);
    if (counter === undefined) {
      counter = this.scope.counter(key);
      this.counters.set(key, counter);
    }
    counter.inc();
  }
}
