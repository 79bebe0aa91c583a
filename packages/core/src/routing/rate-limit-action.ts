/** Single rate limit actions: each adds one entry to a descriptor. */

import { isIP } from 'node:net';
import type { HttpStream } from '../api/http-stream.ts';
import { textOfWire } from '../format/value.ts';
import { addressSet } from '../net/address-set.ts';
import { HeaderCondition } from './header-match.ts';
import { maskedAddress } from './masked-address.ts';
import { QueryCondition, queryValue } from './query-match.ts';
import type { MetadataKeySettings, RateLimitActionSettings } from './rate-limit-settings.ts';
import { endOfPath, wireText } from './text.ts';

/** One part of a descriptor. */
export interface RateLimitPart {
  readonly key: string;
  readonly value: string;
}

/** Its entry; `skip` when it adds none, `undefined` when there is to be no descriptor at all. */
export type RateLimitAction = (stream: HttpStream, serviceCluster: string) => RateLimitPart | 'skip' | undefined;

/** Compiles an action. @throws SyntaxError for a bad regular expression. */
export function compileRateLimitAction(settings: RateLimitActionSettings): RateLimitAction {
  const { requestHeaders, queryParameters, maskedRemoteAddress, remoteAddressMatch, genericKey } = settings;
  const { headerValueMatch, queryParameterValueMatch, dynamicMetadata, metadata } = settings;
  if (settings.sourceCluster !== undefined) return (_, value) => ({ key: 'source_cluster', value });
  if (settings.destinationCluster !== undefined) return destinationCluster;
  if (requestHeaders !== undefined) return requestHeader(requestHeaders);
  if (queryParameters !== undefined) return queryParameter(queryParameters);
  if (settings.remoteAddress !== undefined) return remoteAddress;
  if (maskedRemoteAddress !== undefined) return maskedRemote(maskedRemoteAddress);
  if (remoteAddressMatch !== undefined) return addressMatch(remoteAddressMatch);
  if (genericKey !== undefined) return always(part(genericKey, 'generic_key'));
  if (headerValueMatch !== undefined) return headerMatch(headerValueMatch);
  if (queryParameterValueMatch !== undefined) return queryMatch(queryParameterValueMatch);
  if (metadata !== undefined) return metadataValue(metadata, metadata.source === 'ROUTE_ENTRY', metadata.skipIfAbsent);
  if (dynamicMetadata !== undefined) return metadataValue(dynamicMetadata, false, false);
  throw new TypeError('a rate limit action needs one of its specifiers');
}

/** The value at a path below a namespace of metadata; `undefined` when there is none. */
export function metadataAt(namespace: unknown, { path }: MetadataKeySettings): unknown {
  let value = namespace;
  for (const { key = '' } of path) {
    const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, key);
    value = isObject ? (value as Record<string, unknown>)[key] : undefined;
  }
  return value;
}

type Given<Name extends keyof RateLimitActionSettings> = NonNullable<RateLimitActionSettings[Name]>;

function part(given: Given<'genericKey'>, defaultKey: string): RateLimitPart {
  return { key: given.descriptorKey || defaultKey, value: given.descriptorValue };
}

function always(entry: RateLimitPart): RateLimitAction {
  return () => entry;
}

const destinationCluster: RateLimitAction = ({ route, requestHeaders }) => {
  const action = route?.action;
  if (action?.kind !== 'forward') return undefined;
  const named = action.clusterHeader === undefined ? action.cluster : (requestHeaders.get(action.clusterHeader) ?? '');
  return { key: 'destination_cluster', value: named };
};

function requestHeader({ headerName, descriptorKey, skipIfAbsent }: Given<'requestHeaders'>): RateLimitAction {
  const name = headerName.toLowerCase();
  return ({ requestHeaders }) => {
    const value = requestHeaders.get(name);
    if (value === undefined) return skipIfAbsent ? 'skip' : undefined;
    return { key: descriptorKey, value: textOfWire(value) };
  };
}

function queryParameter(given: Given<'queryParameters'>): RateLimitAction {
  const name = wireText(given.queryParameterName);
  return ({ requestHeaders: { path } }) => {
    const value = queryValue(path, endOfPath(path), name);
    if (value) return { key: given.descriptorKey, value: textOfWire(decoded(value)) };
    return given.skipIfAbsent ? 'skip' : undefined;
  };
}

/** Percent-decoded, byte by byte; what is not well encoded stays as it is. */
function decoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

const remoteAddress: RateLimitAction = ({ info }) =>
  isIP(info.clientIp) === 0 ? undefined : { key: 'remote_address', value: info.clientIp };

function maskedRemote({ v4PrefixMaskLen, v6PrefixMaskLen }: Given<'maskedRemoteAddress'>): RateLimitAction {
  return ({ info: { clientIp } }) => {
    const family = isIP(clientIp);
    if (family === 0) return undefined;
    const value = maskedAddress(clientIp, family === 4 ? v4PrefixMaskLen : v6PrefixMaskLen);
    return { key: 'masked_remote_address', value };
  };
}

function addressMatch(given: Given<'remoteAddressMatch'>): RateLimitAction {
  const entry = part(given, 'remote_address_match');
  const inRanges = addressSet(given.addressMatcher.ranges);
  const { invertMatch } = given.addressMatcher;
  return ({ info: { clientIp } }) => {
    return isIP(clientIp) === 0 || inRanges(clientIp) === invertMatch ? undefined : entry;
  };
}

function headerMatch(given: Given<'headerValueMatch'>): RateLimitAction {
  const entry = part(given, 'header_match');
  const conditions = given.headers.map((each) => new HeaderCondition(each));
  return ({ requestHeaders }) => {
    const holds = conditions.every((condition) => condition.matches(requestHeaders));
    return holds === given.expectMatch ? entry : undefined;
  };
}

function queryMatch(given: Given<'queryParameterValueMatch'>): RateLimitAction {
  const entry = part(given, 'query_match');
  const conditions = given.queryParameters.map((each) => new QueryCondition(each));
  return ({ requestHeaders: { path } }) => {
    const end = endOfPath(path);
    const holds = conditions.every((condition) => condition.matches(path, end));
    return holds === given.expectMatch ? entry : undefined;
  };
}

function metadataValue(given: Given<'dynamicMetadata'>, ofRoute: boolean, skipIfAbsent: boolean): RateLimitAction {
  const { descriptorKey, metadataKey, defaultValue } = given;
  return ({ info, route }) => {
    const namespace = ofRoute ? route?.metadata[metadataKey.key] : info.metadata.get(metadataKey.key);
    const found = metadataAt(namespace, metadataKey);
    const value = typeof found === 'string' && found !== '' ? found : defaultValue;
    if (value === '') return skipIfAbsent ? 'skip' : undefined;
    return { key: descriptorKey, value };
  };
}
