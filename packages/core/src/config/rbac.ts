/** Envoy `config.rbac.v3.RBAC`: which connections and requests may pass. */
import type { z } from 'zod';
import type { PermissionSettings, PrincipalSettings } from '../rbac/settings.ts';
import { cidrRange, stringMatcher } from './common.ts';
import { type Fields, fields, type MessageInfo, message, required, withDefault } from './message.ts';
import { bool, enumOf, list, mapOf, only, uint32 } from './proto-json.ts';
import { headerMatcher } from './route-match.ts';
import type { ProtoType } from './schema-type.ts';
import { filterStateMatcher, metadataMatcher } from './value-matcher.ts';

const pathMatcher = message({ path: required(stringMatcher) }, { name: 'envoy.type.matcher.v3.PathMatcher' });

const portRange = message(
  { start: withDefault(uint32({ max: 65536 }), 0), end: withDefault(uint32({ max: 65536 }), 0) },
  {
    name: 'envoy.type.v3.Int32Range',
    check({ start = 0, end = 0 }, report) {
      if (start < end) return;
      report({ message: `range start ${start} cannot be greater or equal than range end ${end}` });
    },
  },
);

/** Getters, because sets and negations lead back to the message. */
const permissionFields: Fields = {
  get and_rules(): z.ZodType {
    return permissionSet;
  },
  get or_rules(): z.ZodType {
    return permissionSet;
  },
  any: only(bool(), true, 'a rule that never holds has no use'),
  header: headerMatcher,
  url_path: pathMatcher,
  destination_ip: cidrRange,
  destination_port: uint32({ max: 65535 }),
  destination_port_range: portRange,
  metadata: metadataMatcher,
  get not_rule(): z.ZodType {
    return permission;
  },
  requested_server_name: stringMatcher,
};

const unbuiltPermissions = {
  matcher: 'permission extensions are not built yet',
  uri_template: 'URI templates in RBAC are not built yet',
  sourced_metadata: 'metadata of other sources than the connection is not built yet; use metadata',
};

const permission = message(permissionFields, {
  name: 'envoy.config.rbac.v3.Permission',
  known: unbuiltPermissions,
  oneofs: [{ fields: [...Object.keys(permissionFields), ...Object.keys(unbuiltPermissions)], required: true }],
}) as unknown as ProtoType<PermissionSettings, MessageInfo>;

const permissionSet = message(
  { rules: required(list(permission, { min: 1 }).schema) },
  { name: 'envoy.config.rbac.v3.Permission.Set' },
);

const principalFields: Fields = {
  get and_ids(): z.ZodType {
    return principalSet;
  },
  get or_ids(): z.ZodType {
    return principalSet;
  },
  any: only(bool(), true, 'a rule that never holds has no use'),
  authenticated: message({ principal_name: stringMatcher }, { name: 'envoy.config.rbac.v3.Principal.Authenticated' }),
  source_ip: cidrRange,
  direct_remote_ip: cidrRange,
  remote_ip: cidrRange,
  header: headerMatcher,
  url_path: pathMatcher,
  metadata: metadataMatcher,
  filter_state: filterStateMatcher,
  get not_id(): z.ZodType {
    return principal;
  },
};

const unbuiltPrincipals = {
  sourced_metadata: 'metadata of other sources than the connection is not built yet; use metadata',
  custom: 'principal extensions are not built yet',
};

const principal = message(principalFields, {
  name: 'envoy.config.rbac.v3.Principal',
  known: unbuiltPrincipals,
  oneofs: [{ fields: [...Object.keys(principalFields), ...Object.keys(unbuiltPrincipals)], required: true }],
}) as unknown as ProtoType<PrincipalSettings, MessageInfo>;

const principalSet = message(
  { ids: required(list(principal, { min: 1 }).schema) },
  { name: 'envoy.config.rbac.v3.Principal.Set' },
);

const policy = message(
  {
    permissions: required(list(permission, { min: 1 }).schema),
    principals: required(list(principal, { min: 1 }).schema),
  },
  {
    name: 'envoy.config.rbac.v3.Policy',
    known: fields('condition checked_condition cel_config', 'CEL expressions are not built yet'),
  },
);

/** Envoy `RBAC`. */
export const rbacRules = message(
  { action: withDefault(enumOf(['ALLOW', 'DENY', 'LOG']), 'ALLOW'), policies: mapOf(policy) },
  {
    name: 'envoy.config.rbac.v3.RBAC',
    known: { audit_logging_options: 'audit logs are not built yet' },
  },
);
