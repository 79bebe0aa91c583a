/** `x-forwarded-for` as a list of addresses. */
import { isIP } from 'node:net';
import type { RequestHead } from '../headers/header-map.ts';

/** All entries of all lines, from the client to the nearest proxy, as they are written. */
export function forwardedList(head: RequestHead): string[] {
  const values = head.getAll('x-forwarded-for').join(',');
  return values === '' ? [] : values.split(',');
}

/** The entry that is `fromRight` places from the right end, when it is an address. */
export function forwardedEntry(list: readonly string[], fromRight: number): string | undefined {
  return ipAddress(list[list.length - 1 - fromRight]);
}

/** The address in `text`, blanks around it aside; `undefined` when it is none. */
export function ipAddress(text: string | undefined): string | undefined {
  const entry = text?.trim();
  return entry !== undefined && isIP(entry) !== 0 ? entry : undefined;
}

/** Adds an address at the right end. Envoy joins with a bare comma and keeps a single field. */
export function appendForwarded(head: RequestHead, ip: string): void {
  const joined = head.getAll('x-forwarded-for').join(',');
  head.put('x-forwarded-for', joined === '' ? ip : `${joined},${ip}`);
}
