/** Copies of request heads, for whoever sends a request more than once with different fields. */
import type { RequestHeaders } from '../api/headers.ts';
import { RequestHead } from './header-map.ts';

/** An independent copy: method, target, authority, scheme and every field line in order. */
export function copyRequestHeaders(headers: RequestHeaders): RequestHeaders {
  const source = headers as RequestHead;
  const copy = new RequestHead();
  copy.rawMethod = source.rawMethod;
  copy.rawPath = source.rawPath;
  copy.rawAuthority = source.rawAuthority;
  copy.scheme = source.scheme;
  copy.minor = source.minor;
  for (const part of source.fields) copy.fields.push(part);
  return copy;
}
