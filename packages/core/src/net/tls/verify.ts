/**
 * Whether the peer's certificate is accepted: the chain, then names, then digests, in Envoy's order and words. OpenSSL has
 * judged the chain; its judgement comes in as a code. Whatever goes wrong here refuses.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { rootCertificates, type TLSSocket } from 'node:tls';
import type { AltName } from './alt-names.ts';
import { chainErrorText } from './chain-error.ts';
import { type Purpose, trustedWhateverItsDates } from './expired-chain.ts';
import { compileSanMatch, hasAnyName, hasDnsName, type SanTest } from './san-match.ts';
import type { ValidationSettings } from './settings.ts';
import { type X509Facts, x509Facts } from './x509.ts';

/** What is known of the peer after a handshake. */
export interface PeerEvidence {
  /** The certificate that it has shown; `undefined` without one. */
  readonly leaf: X509Certificate | undefined;
  /** What OpenSSL has against the chain (`CERT_HAS_EXPIRED`); `undefined` for a good one. */
  readonly chainError: string | undefined;
  /** The peer is a client or a server. */
  readonly purpose: Purpose;
  /** The certificates that came along, in any order. */
  chain(): readonly X509Certificate[];
}

/** Names that a connection asks for. */
export interface NamesAsked {
  /** One of them must be there; they stand in for the configured conditions. */
  readonly subjectAltNames?: readonly string[] | undefined;
  /** Must be a DNS name of the certificate (`auto_sni_san_validation`); stands in for the configured conditions. */
  readonly serverName?: string | undefined;
}

/** Names of counters below `ssl.`. */
export type VerifyFailure = 'fail_verify_error' | 'fail_verify_san' | 'fail_verify_cert_hash' | 'fail_verify_no_cert';

/** The outcome. */
export interface Verdict {
  readonly accepted: boolean;
  /** Something was verified, and held. */
  readonly validated: boolean;
  /** What to count; '' for nothing. May be there for a peer that is accepted all the same (`ACCEPT_UNTRUSTED`). */
  readonly stat: VerifyFailure | '';
  /** In Envoy's words; '' without a failure. */
  readonly reason: string;
}

/** Who is trusted, and who is not any more. */
export interface TrustAnchors {
  readonly authorities: readonly X509Certificate[];
  readonly crls: readonly unknown[];
}

const noAnchors = (): TrustAnchors => ({ authorities: [], crls: [] });
const NOTHING_ASKED: Verdict = { accepted: true, validated: false, stat: '', reason: '' };
const VALIDATED: Verdict = { accepted: true, validated: true, stat: '', reason: '' };
const NO_NAMES: NamesAsked = {};

/** The conditions of one validation context. */
export class PeerVerifier {
  /** A certificate is to be asked for: there is something to verify it by, or it is wanted unverified. */
  readonly wantsCertificate: boolean;
  /** No certificate is a failure (as far as these settings go). */
  readonly needsCertificate: boolean;
  private readonly hasAuthorities: boolean;
  private readonly acceptUntrusted: boolean;
  private readonly allowExpired: boolean;
  private readonly maxIntermediates: number;
  private readonly names: readonly SanTest[];
  private readonly hashes: ReadonlySet<string>;
  private readonly keys: ReadonlySet<string>;
  private readonly systemRoots: boolean;
  private readonly anchors: () => TrustAnchors;

  /**
   * @param anchors the authorities of the config, as they are now; asked for expired certificates only
   * @throws SyntaxError for a bad regular expression
   */
  constructor(settings: ValidationSettings | undefined, anchors: () => TrustAnchors = noAnchors) {
    this.systemRoots = settings?.systemRootCerts === true;
    this.anchors = anchors;
    this.hasAuthorities = settings?.trustedCa !== undefined || settings?.systemRootCerts === true;
    this.acceptUntrusted = settings?.acceptUntrusted === true;
    this.allowExpired = settings?.allowExpiredCertificate === true;
    // Envoy counts the authority as well.
    this.maxIntermediates = Math.max((settings?.maxVerifyDepth ?? Number.POSITIVE_INFINITY) - 1, 0);
    this.names = (settings?.subjectAltNames ?? []).map(compileSanMatch);
    this.hashes = new Set(settings?.verifyCertificateHash);
    this.keys = new Set(settings?.verifyCertificateSpki);
    const conditions = this.names.length + this.hashes.size + this.keys.size > 0;
    this.needsCertificate = conditions && !this.acceptUntrusted;
    this.wantsCertificate = conditions || this.hasAuthorities || this.acceptUntrusted;
  }

  /** Judges a peer. Never throws. */
  verify(peer: PeerEvidence, asked: NamesAsked = NO_NAMES): Verdict {
    const { subjectAltNames } = asked;
    // Without conditions, and for a connection that asks for no name, nothing is verified.
    if (!this.wantsCertificate && (subjectAltNames === undefined || subjectAltNames.length === 0)) return NOTHING_ASKED;
    try {
      return this.judge(peer, asked);
    } catch {
      return this.failed('fail_verify_error', 'the certificate cannot be read');
    }
  }

  private judge(peer: PeerEvidence, asked: NamesAsked): Verdict {
    if (peer.leaf === undefined) return this.failed('fail_verify_error', 'empty cert chain');
    if (this.hasAuthorities) {
      const problem = this.chainProblem(peer, peer.leaf);
      if (problem !== undefined) return this.failed('fail_verify_error', problem);
    }
    return this.judgeLeaf(peer.leaf, asked);
  }

  /** Names and digests. */
  private judgeLeaf(leaf: X509Certificate, { subjectAltNames = [], serverName }: NamesAsked): Verdict {
    const facts = x509Facts(leaf.raw);
    const names = facts.altNames;
    let verified = this.hasAuthorities;
    if (subjectAltNames.length > 0) {
      if (!hasAnyName(names, subjectAltNames)) {
        const expected = `expected SANs: [${subjectAltNames.join(', ')}]`;
        return this.failed('fail_verify_san', `verify SAN list, ${expected}, certificate SANs: [${told(names)}]`);
      }
      verified = true;
    }
    const only = subjectAltNames.length === 0 && serverName !== undefined && serverName !== '';
    if (only || this.names.length > 0) {
      if (only ? !hasDnsName(names, serverName) : !this.matchesNames(names)) {
        return this.failed('fail_verify_san', `SAN matcher, certificate SANs are [${told(names)}]`);
      }
      verified = true;
    }
    if (this.hashes.size + this.keys.size > 0) {
      if (!this.matchesDigest(leaf, facts)) return this.failed('fail_verify_cert_hash', 'cert hash and spki');
      verified = true;
    }
    return verified
      ? VALIDATED
      : this.acceptUntrusted
        ? NOTHING_ASKED
        : this.failed('fail_verify_error', 'nothing held');
  }

  private matchesNames(names: readonly AltName[]): boolean {
    return this.names.some((test) => names.some(test));
  }

  private matchesDigest(leaf: X509Certificate, { spki }: X509Facts): boolean {
    if (this.hashes.has(createHash('sha256').update(leaf.raw).digest('hex'))) return true;
    return this.keys.has(createHash('sha256').update(spki).digest('base64'));
  }

  private chainProblem(peer: PeerEvidence, leaf: X509Certificate): string | undefined {
    const { chainError } = peer;
    if (chainError !== undefined && !this.forgives(chainError, peer, leaf)) return chainErrorText(chainError);
    // Envoy sets this limit for chains of clients only.
    if (peer.purpose === 'server' || this.maxIntermediates === Number.POSITIVE_INFINITY) return undefined;
    return intermediates(leaf, peer.chain()) > this.maxIntermediates
      ? chainErrorText('CERT_CHAIN_TOO_LONG')
      : undefined;
  }

  private forgives(error: string, peer: PeerEvidence, leaf: X509Certificate): boolean {
    if (!this.allowExpired || (error !== 'CERT_HAS_EXPIRED' && error !== 'CERT_NOT_YET_VALID')) return false;
    // Revoked certificates could hide behind the date as well; nothing here reads the list.
    const { authorities, crls } = this.anchors();
    if (crls.length > 0) return false;
    const roots = this.systemRoots ? rootCertificates.map((pem) => new X509Certificate(pem)) : [];
    return trustedWhateverItsDates(leaf, peer.chain(), [...authorities, ...roots], peer.purpose);
  }

  private failed(stat: VerifyFailure, reason: string): Verdict {
    return { accepted: this.acceptUntrusted, validated: false, stat, reason: `verify cert failed: ${reason}` };
  }
}

/** The certificates between the peer's and the authority. */
function intermediates(leaf: X509Certificate, chain: readonly X509Certificate[]): number {
  const others = chain.filter((each) => !each.raw.equals(leaf.raw) && each.subject !== each.issuer);
  let count = 0;
  for (let current: X509Certificate | undefined = leaf; count <= others.length; count++) {
    const subject: X509Certificate = current;
    current = others.find((each) => each !== subject && subject.checkIssued(each));
    if (current === undefined) return count;
  }
  return count;
}

/** Longest list of names in a reason: a certificate can have thousands. */
const MAX_TOLD = 20;

function told(names: readonly AltName[]): string {
  const texts = names.slice(0, MAX_TOLD).map(({ value }) => value.replace(/[^\x20-\x7e]/g, '?'));
  return texts.join(', ');
}

/**
 * What a secured socket of a client tells of it. To be called once per socket: Node.js hands the chain out only once.
 *
 * @param chainError OpenSSL's judgement of the chain
 */
export function peerEvidence(socket: TLSSocket, chainError: string | undefined): PeerEvidence {
  const leaf = socket.getPeerX509Certificate();
  return { leaf, chainError, purpose: 'client', chain: () => chainFrom(leaf) };
}

const MAX_CHAIN = 100;

function chainFrom(leaf: X509Certificate | undefined): X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let next = leaf; next !== undefined && chain.length < MAX_CHAIN; next = next.issuerCertificate) chain.push(next);
  return chain;
}
