/** The group of a key exchange. */
import type { TLSSocket } from 'node:tls';

/** BoringSSL's names of groups that OpenSSL names otherwise. */
const NAMES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};

/** Under BoringSSL's name. Node.js tells it for client sockets only, while they are open. */
export function groupOf(socket: TLSSocket): string | undefined {
  const key = socket.getEphemeralKeyInfo() as { readonly name?: string } | null;
  return key?.name === undefined ? undefined : (NAMES[key.name] ?? key.name);
}
