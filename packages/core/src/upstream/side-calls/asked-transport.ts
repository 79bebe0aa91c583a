/** What a side call asks of its connection: `auto_sni` and `auto_san_validation`, by the call's authority. */
import net from 'node:net';
import type { RequestHeaders } from '../../api/headers.ts';
import type { TransportOptions, TransportPolicy } from '../../api/upstream.ts';

/** There is no client whose connection could be carried on, or have connections of its own. */
export function askedTransport(policy: TransportPolicy, headers: RequestHeaders): TransportOptions | undefined {
  if (!policy.autoSni && !policy.autoSanValidation) return undefined;
  const given = policy.header === '' ? undefined : headers.get(policy.header);
  const name = hostOf(given ?? headers.authority);
  return {
    // An address is no server name (RFC 6066 3).
    serverName: policy.autoSni && name !== '' && net.isIP(name) === 0 ? name : undefined,
    subjectAltNames: policy.autoSanValidation ? [name] : undefined,
  };
}

/** An authority without port and brackets. */
function hostOf(authority: string): string {
  if (authority.startsWith('[')) return authority.slice(1, authority.indexOf(']'));
  const colon = authority.lastIndexOf(':');
  return colon >= 0 && authority.indexOf(':') === colon ? authority.slice(0, colon) : authority;
}
