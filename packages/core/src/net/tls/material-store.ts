/** Keeps the material of a context up to date: files that change are loaded, checked, and only then used. */
import { MeshError } from '../../errors.ts';
import type { SslStats } from '../../stats/index.ts';
import type { TlsDeps } from './deps.ts';
import { FileWatch } from './file-watch.ts';
import { directoriesOf, filesOf, loadMaterial, type TlsMaterial } from './material.ts';
import type { CommonTlsSettings } from './settings.ts';

/** The material in force. A change that does not hold together leaves the old one in force, and is tried again. */
export class MaterialStore {
  current: TlsMaterial;
  private readonly settings: CommonTlsSettings;
  private readonly deps: TlsDeps;
  private readonly stats: SslStats;
  private readonly use: (material: TlsMaterial) => void;
  private readonly files: FileWatch;
  private readonly unregister: (() => void) | undefined;
  /** The last problem told; it is not told again with every look. */
  private told = '';

  /**
   * Loads everything now. `use` is called at once and after every change; it may throw, and then nothing is changed.
   * @throws MeshError `CONFIG_INVALID`
   */
  constructor(settings: CommonTlsSettings, deps: TlsDeps, stats: SslStats, use: (material: TlsMaterial) => void) {
    this.settings = settings;
    this.deps = deps;
    this.stats = stats;
    this.use = use;
    // Before the files are read: what changes meanwhile is seen at the next look.
    this.files = new FileWatch(filesOf(settings), directoriesOf(settings), deps.wheel, () => this.reload());
    try {
      this.current = loadMaterial(settings);
      use(this.current);
    } catch (error) {
      this.files.close();
      throw new MeshError('CONFIG_INVALID', (error as Error).message, { cause: error });
    }
    this.unregister = deps.certificates?.add(this);
    this.noteExpiry();
  }

  private reload(): boolean {
    const { logger, scope } = this.deps;
    try {
      const material = loadMaterial(this.settings);
      this.use(material);
      this.current = material;
      this.told = '';
    } catch (error) {
      this.stats.certificate_reload_failure.inc();
      const { message } = error as Error;
      if (message !== this.told)
        logger.log('warning', 'connection', `${scope.prefix}ssl: old certificates stay: ${message}`);
      this.told = message;
      return false;
    }
    this.stats.certificate_reload_success.inc();
    this.noteExpiry();
    logger.log('info', 'connection', `${scope.prefix}ssl: certificates loaded again`);
    return true;
  }

  /** Certificates without a name (SDS) are counted by Envoy below the digest of an empty name. */
  private noteExpiry(): void {
    const { certificates, authorities } = this.current;
    const gauge = (kind: string, validTo: string | undefined) => {
      if (validTo === undefined) return;
      const name = `ssl.certificate.unnamed_${kind}_e3b0c442.expiration_unix_time_seconds`;
      this.deps.scope.gauge(name).set(Math.floor(Date.parse(validTo) / 1000));
    };
    gauge('cert', certificates.at(-1)?.leaf?.validTo);
    gauge('ca_cert', authorities[0]?.validTo);
  }

  /** Stops watching; what was made from the material stays usable. */
  close(): void {
    this.files.close();
    this.unregister?.();
  }
}
