/** `envoy.filters.listener.proxy_protocol`: whose connection a balancer in front carries on. */
import { isUtf8 } from 'node:buffer';
import { defineListenerFilter, type ListenerAnswer, type ListenerConnection, type StatsScope } from '@mesh/core';
import { bool, enumOf, list, message, nonEmpty, required, string, uint32, withDefault } from '@mesh/core/proto';
import { MAX_HEADER, mayBe, type ProxyHeader, readHeader, type Tlv, type Version } from './header.ts';

const NAME = 'envoy.filters.listener.proxy_protocol';
const TYPE = 'envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol';
/** Envoy's names in the filter state: the whole header, and the entries that rules name. */
const OPTIONS_KEY = 'envoy.network.proxy_protocol_options';
const TLV_KEY = 'envoy.network.proxy_protocol.tlv';

const tlvType = () => uint32({ max: 255 });

const rule = message(
  {
    tlv_type: withDefault(tlvType(), 0),
    on_tlv_present: message(
      { metadata_namespace: withDefault(string(), ''), key: required(nonEmpty()) },
      { name: `${TYPE}.KeyValuePair` },
    ),
  },
  { name: `${TYPE}.Rule` },
);

const passThroughTlvs = message(
  { match_type: withDefault(enumOf(['INCLUDE_ALL', 'INCLUDE']), 'INCLUDE_ALL'), tlv_type: list(tlvType()) },
  { name: 'envoy.config.core.v3.ProxyProtocolPassThroughTLVs', known: { precedence: 'it concerns the upstream side' } },
);

const config = message(
  {
    rules: list(rule),
    allow_requests_without_proxy_protocol: withDefault(bool(), false),
    pass_through_tlvs: passThroughTlvs,
    disallowed_versions: list(enumOf(['V1', 'V2'])),
    stat_prefix: withDefault(string(), ''),
    tlv_location: withDefault(enumOf(['DYNAMIC_METADATA', 'FILTER_STATE']), 'DYNAMIC_METADATA'),
  },
  { name: TYPE },
);

type Config = ReturnType<typeof config.parse>;

function versionStats(scope: StatsScope) {
  return {
    found: scope.counter('found'),
    disallowed: scope.counter('disallowed'),
    error: scope.counter('error'),
  };
}

class ProxyProtocol {
  readonly maxReadBytes = MAX_HEADER + 1;
  private readonly required: boolean;
  private readonly allowed: Readonly<Record<Version, boolean>>;
  private readonly keys: ReadonlyMap<number, { readonly space: string; readonly key: string }>;
  private readonly inFilterState: boolean;
  private readonly passAll: boolean;
  private readonly passed: ReadonlySet<number>;
  private readonly error;
  private readonly versions;
  private readonly notFoundAllowed;
  private readonly notFoundDisallowed;

  constructor(settings: Config, stats: StatsScope) {
    const { rules, passThroughTlvs: pass, disallowedVersions, statPrefix } = settings;
    this.required = !settings.allowRequestsWithoutProxyProtocol;
    this.allowed = { v1: !disallowedVersions.includes('V1'), v2: !disallowedVersions.includes('V2') };
    this.keys = new Map(
      rules.flatMap(({ tlvType: type, onTlvPresent: on }) =>
        on === undefined ? [] : [[type, { space: on.metadataNamespace || NAME, key: on.key }] as const],
      ),
    );
    this.inFilterState = settings.tlvLocation === 'FILTER_STATE';
    this.passAll = pass?.matchType === 'INCLUDE_ALL';
    this.passed = new Set(pass?.matchType === 'INCLUDE' ? pass.tlvType : []);
    this.error = stats.counter('downstream_cx_proxy_proto_error');
    const scope = stats.scope(statPrefix === '' ? 'proxy_proto' : `proxy_proto.${statPrefix}`);
    this.versions = { v1: versionStats(scope.scope('versions.v1')), v2: versionStats(scope.scope('versions.v2')) };
    this.notFoundAllowed = scope.counter('not_found_allowed');
    this.notFoundDisallowed = scope.counter('not_found_disallowed');
  }

  onData(bytes: Buffer, connection: ListenerConnection): ListenerAnswer {
    if (!this.required && !this.mayBegin(bytes)) {
      this.notFoundAllowed.inc();
      return 'done';
    }
    const header = readHeader(bytes);
    if (header === 'more') return 'more';
    if (header === 'absent') {
      this.notFoundDisallowed.inc();
      this.error.inc();
      return 'close';
    }
    if ('broken' in header) {
      this.versions[header.broken].error.inc();
      this.error.inc();
      return 'close';
    }
    const stats = this.versions[header.version];
    stats.found.inc();
    if (!this.allowed[header.version]) {
      stats.disallowed.inc();
      return 'close';
    }
    this.apply(header, connection);
    return header.size;
  }

  /** A version that is not allowed is none, where none is needed. */
  private mayBegin(bytes: Buffer): boolean {
    return (this.allowed.v1 && mayBe('v1', bytes)) || (this.allowed.v2 && mayBe('v2', bytes));
  }

  private apply({ addresses, tlvs }: ProxyHeader, connection: ListenerConnection): void {
    if (addresses !== undefined) {
      const { remoteIp, remotePort, localIp, localPort } = addresses;
      connection.localAddressRestored ||= localIp !== connection.localIp || localPort !== connection.localPort;
      Object.assign(connection, { remoteIp, remotePort, localIp, localPort });
    }
    const { remoteIp, remotePort, localIp, localPort } = connection;
    const kept = tlvs.filter(({ type }) => this.passAll || this.passed.has(type));
    connection.filterState.set(OPTIONS_KEY, {
      remoteIp,
      remotePort,
      localIp,
      localPort,
      // The bytes of the connection go on to others.
      tlvs: kept.map(({ type, value }) => ({ type, value: Buffer.from(value) })),
    });
    if (this.keys.size > 0) this.tell(tlvs, connection);
  }

  private tell(tlvs: readonly Tlv[], connection: ListenerConnection): void {
    for (const { type, value } of tlvs) {
      const named = this.keys.get(type);
      if (named === undefined) continue;
      const target = this.inFilterState ? connection.filterState : connection.metadata;
      const place = this.inFilterState ? TLV_KEY : named.space;
      // The first entry of a type counts.
      target.set(place, { [named.key]: textOf(value), ...(target.get(place) as object | undefined) });
    }
  }
}

/** As in Envoy each byte that is no UTF-8 becomes `!`. */
function textOf(value: Buffer): string {
  if (isUtf8(value)) return value.toString();
  let text = '';
  for (let at = 0; at < value.length; ) {
    const size = [1, 2, 3, 4].find((length) => isUtf8(value.subarray(at, at + length)));
    text += size === undefined ? '!' : value.toString('utf8', at, at + size);
    at += size ?? 1;
  }
  return text;
}

/**
 * Takes a PROXY protocol header (version 1 or 2) off the front of each connection. Its addresses count as the client's
 * and the destination's from then on. A connection without one is closed, unless `allowRequestsWithoutProxyProtocol`.
 *
 * @example listener({ port: 80, listenerFilters: [proxyProtocol()], http: http({ … }) })
 */
export const proxyProtocol = defineListenerFilter({
  name: NAME,
  typeUrl: `type.googleapis.com/${TYPE}`,
  config,
  create: (settings, context) => new ProxyProtocol(settings, context.stats),
});
