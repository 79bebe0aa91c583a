/** Small messages that several resources share: addresses, metadata, regular expressions, keep-alive. */
import { isIP } from 'node:net';
import { FullMatch } from '../regex/full-match.ts';
import { fields, message, required, withDefault } from './message.ts';
import { bool, enumOf, type LeafInfo, mapOf, nonEmpty, onlyEmpty, string, struct, uint32 } from './proto-json.ts';
import { protoType } from './schema-type.ts';

/** Envoy `SocketAddress`: TCP only. */
const socketAddress = message(
  {
    protocol: withDefault(enumOf(['TCP'], { UDP: { number: 1, reason: 'UDP is not built yet' } }), 'TCP'),
    address: required(nonEmpty()),
    port_value: uint32({ max: 65535 }),
    ipv4_compat: withDefault(bool(), false),
  },
  {
    name: 'envoy.config.core.v3.SocketAddress',
    known: {
      named_port: 'named ports need a service resolver',
      resolver_name: 'custom resolvers are not built yet',
      network_namespace_filepath: 'Node.js cannot enter a network namespace',
    },
    oneofs: [{ fields: ['port_value', 'named_port'], required: true }],
  },
);

/** Envoy `Pipe`: a Unix socket; a path that starts with `@` is abstract. */
const pipe = message(
  { path: required(nonEmpty()), mode: withDefault(uint32({ max: 0o777 }), 0) },
  { name: 'envoy.config.core.v3.Pipe' },
);

/** Envoy `Address`. */
export const address = message(
  { socket_address: socketAddress, pipe },
  {
    name: 'envoy.config.core.v3.Address',
    known: { envoy_internal_address: 'internal listeners are not built yet' },
    oneofs: [{ fields: ['socket_address', 'pipe', 'envoy_internal_address'], required: true }],
  },
);

/** Envoy's words for an address that must be an IP and is not; undefined when it is one. */
export function notAnIp(text: string | undefined): string | undefined {
  if (text === undefined || isIP(text) !== 0) return undefined;
  return `malformed IP address: ${text}. Consider setting resolver_name or setting cluster type to 'STRICT_DNS' or 'LOGICAL_DNS'`;
}

const datagramSocketAddress = message(
  {
    protocol: withDefault(enumOf(['TCP', 'UDP']), 'TCP'),
    address: required(nonEmpty()),
    port_value: uint32({ max: 65535 }),
    ipv4_compat: withDefault(bool(), false),
  },
  {
    name: 'envoy.config.core.v3.SocketAddress',
    known: {
      named_port: 'named ports need a service resolver',
      resolver_name: 'custom resolvers are not built yet',
      network_namespace_filepath: 'Node.js cannot enter a network namespace',
    },
    oneofs: [{ fields: ['port_value', 'named_port'], required: true }],
    check({ address }, report) {
      if (address !== undefined && isIP(address) === 0) {
        report({ path: ['address'], message: `malformed IP address: ${address}` });
      }
    },
  },
);

/** Envoy `Address` of who receives datagrams. Its `protocol` may say TCP, as in Envoy, where nobody looks at it. */
export const datagramAddress = message(
  { socket_address: datagramSocketAddress },
  {
    name: 'envoy.config.core.v3.Address',
    known: {
      pipe: 'Node.js has no datagrams over unix sockets',
      envoy_internal_address: 'internal listeners are not built yet',
    },
    oneofs: [{ fields: ['socket_address', 'pipe', 'envoy_internal_address'], required: true }],
  },
);

/** Envoy `CidrRange`. An absent prefix length is 0, which is every address of that family. */
export const cidrRange = message(
  { address_prefix: required(nonEmpty()), prefix_len: withDefault(uint32({ max: 128 }), 0) },
  {
    name: 'envoy.config.core.v3.CidrRange',
    check({ addressPrefix, prefixLen = 0 }, report) {
      if (addressPrefix === undefined) return;
      const family = isIP(addressPrefix);
      if (family === 0) report({ path: ['address_prefix'], message: `malformed IP address: ${addressPrefix}` });
      if (family === 4 && prefixLen > 32) {
        report({ path: ['prefix_len'], message: `expected at most 32 for an IPv4 range, got ${prefixLen}` });
      }
    },
  },
);

/** Envoy `Metadata`: user data by filter name. */
export const metadata = message(
  { filter_metadata: mapOf(struct()) },
  {
    name: 'envoy.config.core.v3.Metadata',
    known: fields('typed_filter_metadata', 'typed metadata needs registered metadata types'),
  },
);

/** Envoy `Locality`. */
export const locality = message(
  {
    region: withDefault(string(), ''),
    zone: withDefault(string(), ''),
    sub_zone: withDefault(string(), ''),
  },
  { name: 'envoy.config.core.v3.Locality' },
);

/** Envoy `RegexMatcher`; the whole text must match. */
export const regexMatcher = message(
  {
    regex: required(nonEmpty()),
    google_re2: onlyEmpty('map', 'program sizes are meaningless for the regular expressions used here'),
  },
  {
    name: 'envoy.type.matcher.v3.RegexMatcher',
    check({ regex }, report) {
      const problem = regex === undefined ? undefined : regexProblem(regex);
      if (problem !== undefined) report({ path: ['regex'], message: `Invalid regex '${regex}': ${problem}` });
    },
  },
);

/** A regular expression that is not wrapped in a message, as files of 2018 have it. */
export function regexText() {
  const plain = nonEmpty();
  return protoType<string, LeafInfo>({
    ...plain.info,
    parse(value, report, child) {
      const regex = plain.info.parse(value, report, child) as string | undefined;
      const problem = regex === undefined ? undefined : regexProblem(regex);
      if (problem !== undefined) report({ message: `Invalid regex '${regex}': ${problem}` });
      return regex;
    },
  });
}

function regexProblem(pattern: string): string | undefined {
  try {
    new FullMatch(pattern);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Envoy `StringMatcher`. */
export const stringMatcher = message(
  {
    exact: string(),
    prefix: nonEmpty(),
    suffix: nonEmpty(),
    contains: nonEmpty(),
    safe_regex: regexMatcher,
    ignore_case: withDefault(bool(), false),
  },
  {
    name: 'envoy.type.matcher.v3.StringMatcher',
    known: { custom: 'custom string matchers are not built yet' },
    oneofs: [{ fields: ['exact', 'prefix', 'suffix', 'contains', 'safe_regex', 'custom'], required: true }],
    check({ safeRegex, ignoreCase }, report) {
      if (safeRegex === undefined || !ignoreCase) return;
      const hint = 'write (?i) at the start of the regex';
      report({ path: ['ignore_case'], at: 'key', message: 'ignore_case has no effect for safe_regex.', hint });
    },
  },
);

/** Envoy `TcpKeepalive`; `keepalive_time` in seconds, the system's when absent. */
export const tcpKeepalive = message(
  { keepalive_time: uint32() },
  {
    name: 'envoy.config.core.v3.TcpKeepalive',
    known: fields('keepalive_probes keepalive_interval', 'Node.js can only set the time before the first probe'),
  },
);

/** Envoy `Node`: who this proxy is. */
export const node = message(
  {
    id: withDefault(string(), ''),
    cluster: withDefault(string(), ''),
    locality,
    metadata: withDefault(struct(), {}),
  },
  {
    name: 'envoy.config.core.v3.Node',
    known: {
      ...fields(
        'dynamic_parameters extensions client_features listening_addresses',
        'used by xDS, which is not built yet',
      ),
      ...fields('user_agent_name user_agent_version user_agent_build_version build_version', 'set by the proxy itself'),
    },
  },
);

/** A header name in HTTP syntax, or a pseudo header. */
export function headerName() {
  return string({ pattern: /^:?[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, expected: 'a header name' });
}

/** Text that this proxy puts into a header field of its own. */
export function headerText() {
  return string({ pattern: /^[\t -~]*$/, expected: 'printable ASCII text' });
}

/** A host, as it stands in `host` and `location`. */
export function hostText() {
  return string({ pattern: /^[!-~]*$/, expected: 'a host: ASCII without spaces and control characters' });
}

/** A path, as it stands in a request line and in `location`. */
export function pathText() {
  return string({
    pattern: /^[!-~]*$/,
    expected: 'a path: ASCII without spaces and control characters, all else percent-encoded',
  });
}
