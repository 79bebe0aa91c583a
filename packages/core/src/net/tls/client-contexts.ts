/** The context of connections to upstream hosts; another one after its files have changed. */
import { createSecureContext, type SecureContext } from 'node:tls';
import type { LocalCertificate } from '../../api/tls.ts';
import type { SslStats } from '../../stats/index.ts';
import { localCertificateOf } from './certificate.ts';
import { contextOptions } from './context.ts';
import type { TlsDeps } from './deps.ts';
import type { TlsMaterial } from './material.ts';
import { MaterialStore } from './material-store.ts';
import type { ClientTlsSettings } from './settings.ts';

/** One per cluster. */
export class ClientContexts {
  context!: SecureContext;
  localCertificate: LocalCertificate | undefined = undefined;
  private readonly store: MaterialStore;

  /** @throws MeshError `CONFIG_INVALID` when a file cannot be loaded */
  constructor(settings: ClientTlsSettings, deps: TlsDeps, stats: SslStats) {
    this.store = new MaterialStore(settings, deps, stats, (material) => {
      this.context = createSecureContext(
        contextOptions(settings, material, material.certificates, settings.allowRenegotiation),
      );
      const leaf = material.certificates[0]?.leaf;
      this.localCertificate = leaf && localCertificateOf(leaf);
    });
  }

  /** What the context was made from: authorities and lists of revoked certificates. */
  get material(): TlsMaterial {
    return this.store.current;
  }

  /** Stops watching; connections go on. */
  close(): void {
    this.store.close();
  }
}
