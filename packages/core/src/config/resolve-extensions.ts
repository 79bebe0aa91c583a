/** Looks up every extension entry of a parsed configuration and parses its part with the extension's own schema. */
import {
  type AnyConfig,
  type ExtensionDefinition,
  ExtensionRef,
  type Extensions,
  type ResolvedExtension,
  unregistered,
} from './extension.ts';
import { parseExtensionConfig } from './extension-config.ts';
import { type ConfigPath, didYouMean, type SchemaIssue } from './issues.ts';
import { PolicyListRef } from './load-balancing-policy.ts';
import { RouteConfigRef, type RouteFilterConfig } from './route-filter-config.ts';
import { isMap, rawMap } from './source-map.ts';
import type { StandardSchema } from './standard-schema.ts';

/** A resolved entry and where it stands, for checks that come later. */
export interface ResolvedAt {
  readonly kind: string;
  readonly extension: ResolvedExtension;
  /** Path of the raw configuration of the extension. */
  readonly path: ConfigPath;
}

/** Problems found, and every extension that could be looked up, outer ones first. */
export interface Resolution {
  readonly issues: readonly SchemaIssue[];
  readonly resolved: readonly ResolvedAt[];
}

/**
 * Replaces, in place, every `ExtensionRef`, `RouteConfigRef` and `PolicyListRef` of `tree` by what it stands for, at every depth: the
 * configuration of a network filter may hold HTTP filters. `raw` is the data that `tree` was parsed from.
 */
export function resolveExtensions(tree: unknown, raw: unknown, extensions: Extensions): Resolution {
  const resolver = new Resolver(raw, extensions);
  resolver.walk(tree, new Map());
  return resolver;
}

/** HTTP filters of the connection manager at hand, by instance name. */
type Scope = ReadonlyMap<string, readonly ExtensionDefinition[]>;

class Resolver implements Resolution {
  readonly issues: SchemaIssue[] = [];
  readonly resolved: ResolvedAt[] = [];
  private readonly extensions: Extensions;
  private readonly paths = new Map<object, ConfigPath>();

  constructor(raw: unknown, extensions: Extensions) {
    this.extensions = extensions;
    this.index(raw, []);
  }

  /** Notes the path of every map of the raw data; each is a node of its own, because aliases are copied on load. */
  private index(node: unknown, path: ConfigPath): void {
    if (isMap(node)) {
      this.paths.set(node, path);
      for (const key of Object.keys(node)) this.index(node[key], [...path, key]);
    } else if (Array.isArray(node)) {
      for (const [key, item] of node.entries()) this.index(item, [...path, key]);
    }
  }

  walk(node: unknown, scope: Scope): void {
    if (node === null || typeof node !== 'object' || ArrayBuffer.isView(node) || Object.isFrozen(node)) return;
    const container = node as Record<string, unknown>;
    const inner = this.walkHttpFilters(container, scope);
    for (const key of Object.keys(container)) {
      const value = container[key];
      if (value instanceof ExtensionRef) container[key] = this.resolve(value);
      else if (value instanceof RouteConfigRef) container[key] = this.resolveRouteConfig(key, value, inner);
      else if (value instanceof PolicyListRef) container[key] = this.resolvePolicies(value);
      else if (!isResolved(value)) this.walk(value, inner);
    }
  }

  /** Filters come before routes, because per-route configuration is found by the filters' instance names. */
  private walkHttpFilters(container: Record<string, unknown>, scope: Scope): Scope {
    const filters = container.httpFilters;
    if (!Array.isArray(filters)) return scope;
    this.walk(filters, scope);
    const byName = new Map<string, ExtensionDefinition[]>();
    for (const { name, definition } of filters.filter(isFilter)) {
      byName.set(name, [...(byName.get(name) ?? []), definition]);
    }
    return byName;
  }

  private resolve(ref: ExtensionRef): unknown {
    const entryPath = this.paths.get(ref.source) ?? [];
    const definition = this.find(ref.kind, ref.name, ref.any, entryPath);
    if (!definition) return undefined;
    const path = ref.any ? [...(this.paths.get(ref.any.node) ?? entryPath), ...ref.any.step] : entryPath;
    const config = this.parse(definition.config, ref.any, path);
    const { name, extra } = ref;
    const extension = new Resolved(name, ref.any?.typeUrl ?? definition.typeUrl, definition, config, extra);
    this.resolved.push({ kind: ref.kind, extension, path });
    this.walk(config, new Map());
    return extension;
  }

  /** The first policy that is served. As in Envoy, what stands behind it is not looked at. */
  private resolvePolicies(ref: PolicyListRef): unknown {
    const served = ref.entries.find(({ kind, name, any }) =>
      this.extensions.find(kind, { name, typeUrl: any?.typeUrl }),
    );
    if (served === undefined) {
      this.issues.push({ path: this.paths.get(ref.source) ?? [], message: ref.problem });
      return undefined;
    }
    const found = this.resolve(served) as Resolved | undefined;
    return found && new Resolved(found.definition.name, found.typeUrl, found.definition, found.config, {});
  }

  private find(kind: string, name: string, any: AnyConfig | undefined, path: ConfigPath) {
    const typeUrl = any?.typeUrl;
    const definition = this.extensions.find(kind, { name, typeUrl });
    if (!definition) {
      const issue = unregistered(this.extensions, kind, name, typeUrl);
      const at = any?.typed ? [...(this.paths.get(any.node) ?? path), '@type'] : [...path, 'name'];
      this.issues.push({ ...issue, path: at });
    } else if (any && !any.typed && definition.typeUrl !== undefined) {
      const message = 'needs "@type"';
      const hint = `add "@type": ${definition.typeUrl}`;
      this.issues.push({ path: this.paths.get(any.node) ?? path, message, hint });
    }
    return definition;
  }

  private parse(schema: StandardSchema, any: AnyConfig | undefined, path: ConfigPath): unknown {
    const { value, issues } = parseExtensionConfig(schema, any?.config ?? rawMap(), path);
    this.issues.push(...issues);
    return value;
  }

  private resolveRouteConfig(name: string, ref: RouteConfigRef, scope: Scope): RouteFilterConfig | undefined {
    const path = this.paths.get(ref.source) ?? [];
    const { any, disabled, optional } = ref;
    const [definition, second] = scope.get(name) ?? [];
    if (optional && (!definition || (any && !definition.routeConfig))) return undefined;
    if (!definition || second) {
      const message = second
        ? `several HTTP filters of this chain are named "${name}"`
        : `no HTTP filter of this chain is named "${name}"`;
      const hint = second ? 'give each filter a name of its own' : didYouMean(name, scope.keys());
      this.issues.push({ path, at: 'key', message, ...(hint === undefined ? {} : { hint }) });
      return undefined;
    }
    if (!any) return { name, definition, disabled, config: undefined };
    if (!definition.routeConfig) {
      const message = `The filter ${definition.name} doesn't support virtual host or route specific configurations`;
      this.issues.push({ path, at: 'key', message });
      return undefined;
    }
    const anyPath = [...(this.paths.get(any.node) ?? path), ...any.step];
    return { name, definition, disabled, config: this.parse(definition.routeConfig, any, anyPath) };
  }
}

class Resolved implements ResolvedExtension {
  readonly name: string;
  readonly typeUrl: string | undefined;
  readonly definition: ExtensionDefinition;
  readonly config: unknown;

  constructor(
    name: string,
    typeUrl: string | undefined,
    definition: ExtensionDefinition,
    config: unknown,
    extra: Readonly<Record<string, unknown>>,
  ) {
    this.name = name;
    this.typeUrl = typeUrl;
    this.definition = definition;
    this.config = config;
    Object.assign(this, extra);
  }
}

function isResolved(value: unknown): value is ResolvedExtension {
  return value instanceof Resolved;
}

/** Also one that was made in code. */
function isFilter(value: unknown): value is ResolvedExtension {
  return isResolved(value) || (typeof value === 'object' && value !== null && 'definition' in value);
}
