/**
 * Which certificate a client gets: by the server name it asks for, else the first one. One `tls.Server` (which never
 * listens) stands for each set of certificates, with and without ALPN and session cache; they are made when first needed.
 */

import { constants, createHash } from 'node:crypto';
import tls from 'node:tls';
import { localCertificateOf } from './certificate.ts';
import type { ClientHello } from './client-hello.ts';
import { contextOptions } from './context.ts';
import type { LoadedCertificate, TlsMaterial } from './material.ts';
import type { SessionCache } from './session-cache.ts';
import type { ServerTlsSettings } from './settings.ts';

/** Longest a handshake may take once its first bytes are there; Node's own limit, behind the transport's. */
const HANDSHAKE_LIMIT_MS = 120_000;

/** What is the same for all contexts of a transport. */
export interface ServerContextOptions {
  readonly settings: ServerTlsSettings;
  /** 48 bytes: OpenSSL's keys of session tickets. */
  readonly ticketKeys: Buffer;
  readonly sessions: SessionCache | undefined;
  readonly requestCertificate: boolean;
  /** Called with each server that is made. */
  readonly onServer: (server: tls.Server) => void;
}

/** The contexts made from one state of the files. */
export class ServerContexts {
  private readonly options: ServerContextOptions;
  private readonly material: TlsMaterial;
  /** Exact names, and `*.suffix` ones below their suffix with its dot. */
  private readonly byName = new Map<string, LoadedCertificate[]>();
  private readonly byWildcard = new Map<string, LoadedCertificate[]>();
  private readonly withoutName: readonly LoadedCertificate[];
  private readonly unknownName: readonly LoadedCertificate[];
  private readonly servers = new Map<readonly LoadedCertificate[], (tls.Server | undefined)[]>();
  private readonly sessionIdContext: string;

  /** @throws Error when OpenSSL does not take the material. */
  constructor(options: ServerContextOptions, material: TlsMaterial) {
    this.options = options;
    this.material = material;
    for (const certificate of material.certificates) this.addNames(certificate);
    this.withoutName = onePerKeyType(material.certificates);
    this.unknownName = options.settings.fullScanCertsOnSniMismatch
      ? this.withoutName
      : material.certificates.slice(0, 1);
    this.sessionIdContext = sessionContext(options, material);
    // What OpenSSL refuses is to be found out now, not at a handshake.
    for (const certificate of material.certificates) {
      tls.createSecureContext(contextOptions(options.settings, material, [certificate]));
    }
  }

  private addNames(certificate: LoadedCertificate): void {
    for (const name of certificate.leaf === undefined ? [] : certificateNames(certificate.leaf)) {
      const wildcard = name.startsWith('*.');
      const map = wildcard ? this.byWildcard : this.byName;
      const key = wildcard ? name.slice(1) : name;
      const group = map.get(key) ?? [];
      map.set(key, onePerKeyType([...group, certificate]));
    }
  }

  /** The server that makes the handshake; `undefined` for bytes that are no hello. */
  serverFor(hello: ClientHello | undefined): tls.Server {
    const certificates = this.certificatesFor(hello?.serverName ?? '');
    const alpn = this.agreesOnProtocol(hello?.protocols ?? []);
    const cached = this.options.sessions !== undefined && this.needsCache(hello);
    const index = (alpn ? 1 : 0) + (cached ? 2 : 0);
    let group = this.servers.get(certificates);
    if (group === undefined) {
      group = [undefined, undefined, undefined, undefined];
      this.servers.set(certificates, group);
    }
    const known = group[index];
    if (known !== undefined) return known;
    const server = this.makeServer(certificates, alpn, cached);
    group[index] = server;
    return server;
  }

  private certificatesFor(name: string): readonly LoadedCertificate[] {
    if (name === '') return this.withoutName;
    const exact = this.byName.get(name);
    if (exact !== undefined) return exact;
    const dot = name.indexOf('.');
    return (dot > 0 ? this.byWildcard.get(name.slice(dot)) : undefined) ?? this.unknownName;
  }

  /** Without a common protocol Envoy goes on without ALPN; OpenSSL in Node.js would end the handshake. */
  private agreesOnProtocol(offered: readonly string[]): boolean {
    const { alpnProtocols } = this.options.settings;
    return alpnProtocols.length > 0 && offered.some((protocol) => alpnProtocols.includes(protocol));
  }

  /** Clients that keep tickets need no cache here, and asking it costs each handshake a turn. */
  private needsCache(hello: ClientHello | undefined): boolean {
    return hello !== undefined && (!hello.takesTickets || this.options.settings.disableStatelessResumption);
  }

  private makeServer(certificates: readonly LoadedCertificate[], alpn: boolean, cached: boolean): tls.Server {
    const { settings, ticketKeys, sessions, requestCertificate, onServer } = this.options;
    const options = contextOptions(settings, this.material, certificates);
    const noTickets = settings.disableStatelessResumption ? constants.SSL_OP_NO_TICKET : 0;
    const server = tls.createServer({
      ...options,
      honorCipherOrder: !settings.preferClientCiphers,
      secureOptions: (options.secureOptions ?? 0) | noTickets,
      ...(alpn && { ALPNProtocols: [...settings.alpnProtocols] }),
      requestCert: requestCertificate,
      // Refusing is ours, so that it is counted and the words are Envoy's.
      rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_LIMIT_MS,
      ticketKeys,
      // OpenSSL takes 0 for "no limit"; Envoy's 0 is "at once".
      sessionTimeout: Math.min(Math.max(settings.sessionTimeoutS, 1), 0x7fff_ffff),
      sessionIdContext: this.sessionIdContext,
    });
    if (cached) sessions?.serve(server);
    onServer(server);
    return server;
  }
}

/** The first certificate of each kind of key: OpenSSL takes one each, and chooses by what the client can verify. */
function onePerKeyType(certificates: readonly LoadedCertificate[]): LoadedCertificate[] {
  const kinds = new Set<string>();
  return certificates.filter(({ leaf }) => {
    const kind = leaf?.publicKey.asymmetricKeyType ?? 'rsa';
    if (kinds.has(kind)) return false;
    kinds.add(kind);
    return true;
  });
}

/** DNS names in lower case; the common name where there are none. */
function certificateNames(leaf: NonNullable<LoadedCertificate['leaf']>): string[] {
  const { dnsSans } = localCertificateOf(leaf);
  if (dnsSans.length > 0) return dnsSans.map((name) => name.toLowerCase());
  const common = /^CN=(.+)$/m.exec(leaf.subject)?.[1];
  return common === undefined ? [] : [common.toLowerCase()];
}

/** Sessions are bound to what the peer was verified by: another set of authorities must not take them up. */
function sessionContext({ settings, requestCertificate }: ServerContextOptions, material: TlsMaterial): string {
  const { validation } = settings;
  const hash = createHash('sha256').update(
    JSON.stringify([validation ?? null, requestCertificate, settings.requireClientCertificate]),
  );
  for (const pem of [...(material.authorityPems ?? ['system']), ...material.crls]) hash.update(pem);
  return hash.digest('hex').slice(0, 32);
}
