/** Which connections a filter chain is for. */
import type { z } from 'zod';
import { type ChainConditions, ChainMatcher } from '../net/chain-match.ts';
import type { IpRange } from '../net/ip-table.ts';
import { cidrRange } from './common.ts';
import { type DeepPartial, fields, message, withDefault } from './message.ts';
import { enumOf, list, string, uint32 } from './proto-json.ts';

const port = () => uint32({ min: 1, max: 65535 });

/** Envoy's words for a server name that it does not match on; undefined when it does. */
function partialWildcard(name: string | undefined): string | undefined {
  if (name === undefined || !name.includes('*') || name.startsWith('*.')) return undefined;
  return 'partial wildcards are not supported in "server_names"';
}

/** Envoy `FilterChainMatch`. */
export const filterChainMatch = message(
  {
    prefix_ranges: list(cidrRange),
    source_prefix_ranges: list(cidrRange),
    source_ports: list(port()),
    destination_port: port(),
    transport_protocol: withDefault(string(), ''),
    application_protocols: list(string()),
    server_names: list(string()),
    source_type: withDefault(enumOf(['ANY', 'SAME_IP_OR_LOOPBACK', 'EXTERNAL']), 'ANY'),
    direct_source_prefix_ranges: list(cidrRange),
  },
  {
    name: 'envoy.config.listener.v3.FilterChainMatch',
    known: fields('address_suffix suffix_len', 'Envoy does not implement it either'),
    check({ serverNames = [] }, report) {
      for (const [index, name] of serverNames.entries()) {
        const problem = partialWildcard(name);
        if (problem !== undefined) report({ path: ['server_names', index], message: problem });
      }
    },
  },
);

/** A `FilterChainMatch` with all defaults filled in. */
export type FilterChainMatchConfig = z.output<typeof filterChainMatch>;
type Match = DeepPartial<FilterChainMatchConfig> | undefined;

/** A chain's match as conditions; parts that were wrong in themselves are left out. */
export function chainConditions(match: Match = {}): ChainConditions {
  return {
    destinationPort: match.destinationPort,
    prefixRanges: ranges(match.prefixRanges),
    serverNames: texts(match.serverNames),
    transportProtocol: match.transportProtocol ?? '',
    applicationProtocols: texts(match.applicationProtocols),
    directSourcePrefixRanges: ranges(match.directSourcePrefixRanges),
    sourceType: match.sourceType ?? 'ANY',
    sourcePrefixRanges: ranges(match.sourcePrefixRanges),
    sourcePorts: (match.sourcePorts ?? []).flatMap((each) => each ?? []),
  };
}

function texts(list: readonly (string | undefined)[] = []): string[] {
  return list.flatMap((each) => each ?? []);
}

type Ranges = readonly (DeepPartial<IpRange> | undefined)[];

function ranges(list: Ranges = []): IpRange[] {
  return list.flatMap((each) => {
    const { addressPrefix, prefixLen } = each ?? {};
    return addressPrefix === undefined || prefixLen === undefined ? [] : [{ addressPrefix, prefixLen }];
  });
}

/** What is checked of a chain. */
export interface CheckedChain {
  readonly name?: string | undefined;
  readonly filterChainMatch?: Match;
}

/** Two chains that a connection cannot be decided between, in Envoy's words; `index` is the later one. */
export function matchProblem(
  chains: readonly (CheckedChain | undefined)[],
): { readonly index: number; readonly message: string } | undefined {
  const names = new Map<string, string>();
  const matcher = new ChainMatcher<number>();
  for (const [index, chain] of chains.entries()) {
    // What could not be read has been told.
    if (chain === undefined) continue;
    const written = matchText(chain.filterChainMatch);
    const same = names.get(written);
    if (same !== undefined) {
      const rules = `has the same matching rules defined as '${same}'. duplicate matcher is: ${written}`;
      return { index, message: `filter chain '${chain.name ?? ''}' ${rules}` };
    }
    names.set(written, chain.name ?? '');
    if (matcher.add(chainConditions(chain.filterChainMatch), index)) continue;
    return { index, message: 'multiple filter chains with overlapping matching rules are defined' };
  }
  return undefined;
}

/** The match as Envoy prints it: what is not default, in the order of the message. */
export function matchText(match: Match = {}): string {
  const { serverNames, applicationProtocols, transportProtocol, sourcePorts, sourceType } = match;
  return JSON.stringify({
    prefix_ranges: rangeTexts(match.prefixRanges),
    source_prefix_ranges: rangeTexts(match.sourcePrefixRanges),
    source_ports: filled(sourcePorts),
    destination_port: match.destinationPort,
    transport_protocol: transportProtocol || undefined,
    application_protocols: filled(applicationProtocols),
    server_names: filled(serverNames),
    source_type: sourceType === 'ANY' ? undefined : sourceType,
    direct_source_prefix_ranges: rangeTexts(match.directSourcePrefixRanges),
  });
}

function filled<T>(list: readonly T[] = []): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

function rangeTexts(list: Ranges = []) {
  return filled(
    ranges(list).map(({ addressPrefix, prefixLen }) => ({ address_prefix: addressPrefix, prefix_len: prefixLen })),
  );
}
