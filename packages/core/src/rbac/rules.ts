/** Permissions and principals, each compiled to one call. */

import type { HttpStream } from '../api/http-stream.ts';
import { HeaderMap } from '../headers/header-map.ts';
import { addressSet } from '../net/address-set.ts';
import { compileStringMatcher } from '../regex/text-match.ts';
import { HeaderCondition } from '../routing/header-match.ts';
import type {
  FilterStateMatcherSettings,
  HeaderMatcherSettings,
  MetadataMatcherSettings,
  StringMatcherSettings,
} from '../routing/settings.ts';
import { wireText } from '../routing/text.ts';
import { FilterStateCondition, MetadataCondition } from '../routing/value-match.ts';
import type { PermissionSettings, PrincipalSettings, RangeSettings } from './settings.ts';
import type { RbacSubject } from './subject.ts';

/** A compiled condition. */
export type RbacRule = (subject: RbacSubject) => boolean;

const NO_HEADERS = new HeaderMap();

/** All of the rules hold. */
export function allOf(rules: readonly RbacRule[]): RbacRule {
  return (subject) => rules.every((rule) => rule(subject));
}

/** One of the rules holds. */
export function anyOf(rules: readonly RbacRule[]): RbacRule {
  return (subject) => rules.some((rule) => rule(subject));
}

function not(rule: RbacRule): RbacRule {
  return (subject) => !rule(subject);
}

const always: RbacRule = () => true;

/** @throws SyntaxError for a bad regular expression; likewise below. */
export function compilePermission(settings: PermissionSettings): RbacRule {
  const { andRules, orRules, notRule, destinationIp, destinationPort, destinationPortRange: range } = settings;
  if (andRules !== undefined) return allOf(andRules.rules.map(compilePermission));
  if (orRules !== undefined) return anyOf(orRules.rules.map(compilePermission));
  if (notRule !== undefined) return not(compilePermission(notRule));
  if (destinationIp !== undefined) return inRange(destinationIp, ({ localIp }) => localIp);
  if (destinationPort !== undefined) return ({ localPort }) => localPort === destinationPort;
  if (range !== undefined) return ({ localPort }) => localPort >= range.start && localPort < range.end;
  if (settings.requestedServerName !== undefined) return serverNameRule(settings.requestedServerName);
  return compileCommon(settings);
}

export function compilePrincipal(settings: PrincipalSettings): RbacRule {
  const { andIds, orIds, notId, authenticated, sourceIp, directRemoteIp, remoteIp } = settings;
  if (andIds !== undefined) return allOf(andIds.ids.map(compilePrincipal));
  if (orIds !== undefined) return anyOf(orIds.ids.map(compilePrincipal));
  if (notId !== undefined) return not(compilePrincipal(notId));
  if (authenticated !== undefined) return authenticatedRule(authenticated.principalName);
  // As in Envoy, `source_ip` is the address that the connection counts as coming from, before any field is looked at.
  if (sourceIp !== undefined) return inRange(sourceIp, (subject) => subject.connectionIp ?? subject.remoteIp);
  if (directRemoteIp !== undefined) return inRange(directRemoteIp, (subject) => subject.directRemoteIp);
  if (remoteIp !== undefined) return inRange(remoteIp, (subject) => subject.remoteIp);
  if (settings.filterState !== undefined) return filterStateRule(settings.filterState);
  return compileCommon(settings);
}

/** What permissions and principals have alike. */
function compileCommon({ any, header, urlPath, metadata }: PermissionSettings & PrincipalSettings): RbacRule {
  if (header !== undefined) return headerRule(header);
  if (urlPath !== undefined) return pathRule(urlPath.path);
  if (metadata !== undefined) return metadataRule(metadata);
  return any === true ? always : not(always);
}

function headerRule(settings: HeaderMatcherSettings): RbacRule {
  const condition = new HeaderCondition(settings);
  return ({ requestHeaders }) => condition.matches(requestHeaders ?? NO_HEADERS);
}

/** The path without query and fragment. */
function pathRule(settings: StringMatcherSettings): RbacRule {
  const test = compileStringMatcher(settings);
  return ({ requestHeaders }) => requestHeaders !== undefined && test(requestHeaders.path.replace(/[?#].*$/s, ''));
}

function metadataRule(settings: MetadataMatcherSettings): RbacRule {
  const condition = new MetadataCondition(settings);
  // Only `info` is looked at.
  return (subject) => condition.matches(subject as unknown as HttpStream);
}

function filterStateRule(settings: FilterStateMatcherSettings): RbacRule {
  const condition = new FilterStateCondition(settings);
  return (subject) => condition.matches(subject as unknown as HttpStream);
}

function serverNameRule(settings: StringMatcherSettings): RbacRule {
  const test = compileStringMatcher(settings);
  return ({ serverName }) => test(wireText(serverName));
}

/** One of the URI names, or of the DNS names, or the subject; without a condition any certificate or none will do. */
function authenticatedRule(name: StringMatcherSettings | undefined): RbacRule {
  if (name === undefined) return ({ tls }) => tls !== undefined;
  const test = compileStringMatcher(name);
  const fits = (text: string) => test(wireText(text));
  return ({ tls }) => {
    if (tls === undefined) return false;
    const { uriSans = [], dnsSans = [], subject = '' } = tls.peerCertificate ?? {};
    return uriSans.some(fits) || dnsSans.some(fits) || fits(subject);
  };
}

function inRange(range: RangeSettings, address: (subject: RbacSubject) => string): RbacRule {
  const holds = addressSet([range]);
  return (subject) => holds(address(subject));
}
