/** Why a request belongs to a virtual host, or to none. */
import { nearest } from '../config/issues.ts';
import type { CompiledVirtualHost, RouteTable } from '../routing/route-table.ts';
import type { ExplainedVirtualHost, Explanation } from './explanation.ts';

/** Domains told when none fits. */
const MOST_DOMAINS = 50;

/** The domain of `host` under which it was found for `authority`, and as what. */
export function matchedDomain(
  host: CompiledVirtualHost,
  authority: string,
): Pick<ExplainedVirtualHost, 'domain' | 'match'> {
  const whole = authority.toLowerCase();
  const withoutPort = whole.replace(/:\d+$/, '');
  for (const wanted of new Set([whole, withoutPort])) {
    const found = bestDomain(host.domains, wanted);
    if (found !== undefined) return found;
  }
  return { domain: '*', match: 'any' };
}

/** In the order in which the table looks: exact, longest suffix, longest prefix. */
function bestDomain(
  domains: readonly string[],
  wanted: string,
): Pick<ExplainedVirtualHost, 'domain' | 'match'> | undefined {
  const partial = domains.filter((domain) => domain !== '*').sort((a, b) => b.length - a.length);
  const exact = partial.find((domain) => domain.toLowerCase() === wanted);
  if (exact !== undefined) return { domain: exact, match: 'exact' };
  const suffix = partial.find((domain) => domain.startsWith('*') && endsIn(wanted, domain.slice(1).toLowerCase()));
  if (suffix !== undefined) return { domain: suffix, match: 'suffix' };
  const prefix = partial.find((domain) => domain.endsWith('*') && startsIn(wanted, domain.slice(0, -1).toLowerCase()));
  return prefix === undefined ? undefined : { domain: prefix, match: 'prefix' };
}

/** A wildcard stands for at least one character. */
function endsIn(text: string, end: string): boolean {
  return text.length > end.length && text.endsWith(end);
}

function startsIn(text: string, start: string): boolean {
  return text.length > start.length && text.startsWith(start);
}

/** What to say when no virtual host has the domain. */
export function noVirtualHost(table: RouteTable, authority: string): NonNullable<Explanation['noVirtualHost']> {
  const domains = table.virtualHosts.flatMap((host) => host.domains);
  const hint = portHint(table, authority) ?? nameHint(domains, authority);
  return { host: authority, domains: domains.slice(0, MOST_DOMAINS), ...(hint !== undefined && { hint }) };
}

/** The port is part of a host unless the configuration says otherwise, which surprises people. */
function portHint(table: RouteTable, authority: string): string | undefined {
  const port = /:\d+$/.exec(authority)?.[0];
  const host = port === undefined ? undefined : table.virtualHost(authority.slice(0, -port.length));
  return host && `the port is part of the host; without it this would be ${host.name}`;
}

function nameHint(domains: readonly string[], authority: string): string | undefined {
  const near = nearest(authority, domains);
  return near === undefined ? undefined : `did you mean ${JSON.stringify(near)}?`;
}
