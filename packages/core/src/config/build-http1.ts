/** HTTP/1 options of the config → options of the codecs. */
import type { Http1ClientOptions, Http1Options, NameOptions } from '../http1/options.ts';
import { compileStringMatcher } from '../regex/text-match.ts';
import type { HttpConnectionManagerConfig } from './http-connection-manager.ts';
import type { Http1ProtocolConfig } from './http-protocol.ts';

/** Limits of request heads, whatever the protocol. */
export function headLimits(config: HttpConnectionManagerConfig): { maxBytes: number; maxFields: number } {
  return { maxBytes: config.maxRequestHeadersKb * 1024, maxFields: config.commonHttpProtocolOptions.maxHeadersCount };
}

/** What the codec towards clients runs on. */
export function http1Options(config: HttpConnectionManagerConfig): Http1Options {
  const common = config.commonHttpProtocolOptions;
  const http1 = config.httpProtocolOptions;
  const ignored = http1.ignoreHttp11Upgrade.map((matcher) => compileStringMatcher(matcher));
  return {
    limits: headLimits(config),
    acceptHttp10: http1.acceptHttp10,
    defaultHostForHttp10: http1.defaultHostForHttp10,
    enableTrailers: http1.enableTrailers,
    allowChunkedLength: http1.allowChunkedLength,
    underscores: common.headersWithUnderscoresAction,
    allowAbsoluteUrl: http1.allowAbsoluteUrl,
    anyMethod: http1.allowCustomMethods,
    // A client of an edge proxy cannot have come over TLS when the connection has none.
    checkScheme: config.useRemoteAddress && config.xffNumTrustedHops === 0,
    ignoreUpgrade: ignored.length === 0 ? undefined : (type) => ignored.some((matches) => matches(type)),
    ...nameFormat(http1),
  };
}

/** How names are written, and whether those of the messages read are kept as they came. */
function nameFormat(http1: Http1ProtocolConfig | undefined): NameOptions {
  const format = http1?.headerKeyFormat;
  const kept = format?.statefulFormatter?.config as
    | { readonly forwardReasonPhrase: boolean; readonly formatterTypeOnEnvoyHeaders: string }
    | undefined;
  return {
    names: format?.properCaseWords === undefined ? 'lower' : 'proper',
    keepNames: kept !== undefined,
    ownNames: kept?.formatterTypeOnEnvoyHeaders === 'PROPER_CASE' ? 'proper' : 'lower',
    forwardReason: kept?.forwardReasonPhrase ?? false,
  };
}

/** What the codec towards upstreams runs on. */
export function http1ClientOptions(http1: Http1ProtocolConfig | undefined): Http1ClientOptions {
  return {
    allowChunkedLength: http1?.allowChunkedLength ?? false,
    fullUrl: http1?.sendFullyQualifiedUrl ?? false,
    ...nameFormat(http1),
  };
}
