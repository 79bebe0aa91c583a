/** Takes the port or the trailing dot off a request's host before anything looks at it. */
import type { RequestHead } from '../headers/header-map.ts';
import type { HostRules } from './settings.ts';

/** An IPv6 literal keeps its brackets; an empty port is none. */
export function stripHost(head: RequestHead, rules: HostRules, listenerPort: number): void {
  const { authority } = head;
  const colon = authority.lastIndexOf(':');
  const hasPort = colon > authority.lastIndexOf(']') && /^\d+$/.test(authority.slice(colon + 1));
  let host = hasPort ? authority.slice(0, colon) : authority;
  let port = hasPort ? authority.slice(colon) : '';
  if (rules.stripTrailingDot && host.endsWith('.')) host = host.slice(0, -1);
  if (rules.stripPort === 'any' || (rules.stripPort === 'matching' && Number(port.slice(1)) === listenerPort))
    port = '';
  if (host.length + port.length !== authority.length) head.authority = host + port;
}
