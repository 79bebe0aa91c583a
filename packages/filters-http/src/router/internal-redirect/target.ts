/** The URL of a `location` field, as far as a redirect can be followed here: absolute, with a host. */

/** Where a redirect leads. */
export interface RedirectTarget {
  /** Lower case. */
  readonly scheme: string;
  /** Host and port as written, without user information. */
  readonly authority: string;
  /** Path and query, never empty; a fragment is not sent. */
  readonly path: string;
}

const URL_PARTS = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([^#]*)/;
const AUTHORITY = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/;
/** The bytes that a request target may have. */
const PRINTABLE = /^[\x21-\x7e]*$/;

/** `undefined` for what is no absolute URL. */
export function redirectTarget(location: string): RedirectTarget | undefined {
  const parts = URL_PARTS.exec(location);
  if (parts === null || !PRINTABLE.test(location)) return undefined;
  const [, scheme = '', given = '', rest = ''] = parts;
  const authority = given.slice(given.lastIndexOf('@') + 1);
  const checked = AUTHORITY.exec(authority);
  if (checked === null || Number(checked[1] ?? 0) > 65_535) return undefined;
  return { scheme: scheme.toLowerCase(), authority, path: rest.startsWith('/') ? rest : `/${rest}` };
}
