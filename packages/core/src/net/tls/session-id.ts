/** The identifier in a session as OpenSSL writes it: SEQUENCE { version, protocol, cipher, OCTET STRING id, … }. */
import { elementAt, elementsOf } from './der.ts';

/** Hexadecimal; '' without a session, and for one that cannot be read. */
export function sessionIdOf(session: Buffer | undefined): string {
  if (session === undefined) return '';
  try {
    const id = elementsOf(session, elementAt(session, 0, session.length))[3];
    return id === undefined ? '' : session.toString('hex', id.body, id.end);
  } catch {
    return '';
  }
}
