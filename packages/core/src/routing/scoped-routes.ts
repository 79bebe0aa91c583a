/** Scoped routes: the request's headers choose one of several route tables, before a virtual host is looked for. */
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { Route } from '../api/route.ts';
import type { CompileOptions } from './compiled-route.ts';
import { compileRoutes, type RouteTable } from './route-table.ts';
import type { RouteTableSettings } from './settings.ts';
import { wireText } from './text.ts';

/** Envoy `ScopedRoutes` with its tables inline. */
export interface ScopedRoutesSettings {
  readonly name: string;
  readonly scopeKeyBuilder: { readonly fragments: readonly ScopeFragmentSettings[] };
  readonly scopedRouteConfigurationsList: { readonly scopedRouteConfigurations: readonly ScopeSettings[] };
}

/** Envoy `FragmentBuilder`. */
export interface ScopeFragmentSettings {
  readonly headerValueExtractor: HeaderValueExtractorSettings;
}

/** Envoy `HeaderValueExtractor`: exactly one of `index` and `element` is given. */
export interface HeaderValueExtractorSettings {
  readonly name: string;
  /** '' takes the value as a whole. */
  readonly elementSeparator: string;
  readonly index?: number;
  readonly element?: { readonly separator: string; readonly key: string };
}

/** Envoy `ScopedRouteConfiguration`. */
export interface ScopeSettings {
  readonly name: string;
  readonly key: { readonly fragments: readonly { readonly stringKey: string }[] };
  readonly routeConfiguration: RouteTableSettings;
}

/** Compiled scoped routes. */
export interface ScopedRoutes {
  readonly name: string;
  /** The tables in the order of their scopes. */
  readonly tables: readonly RouteTable[];
  /** The route in the table of the request's scope; `undefined`, also without a scope, is answered 404 (flag NR). */
  route(headers: RequestHeaders, stream: HttpStream): Route | undefined;
  /** The table of the request's scope. */
  tableFor(headers: RequestHeaders): RouteTable | undefined;
}

/** Compiles scoped routes that have passed their schema. @throws TypeError as `compileRoutes`. */
export function compileScopedRoutes(settings: ScopedRoutesSettings, options: CompileOptions): ScopedRoutes {
  const extractors = settings.scopeKeyBuilder.fragments.map((each) => new Extractor(each.headerValueExtractor));
  const scopes = new Map<string, RouteTable>();
  const tables = settings.scopedRouteConfigurationsList.scopedRouteConfigurations.map((scope) => {
    const table = compileRoutes(scope.routeConfiguration, options);
    scopes.set(joined(scope.key.fragments.map(({ stringKey }) => wireText(stringKey))), table);
    return table;
  });
  const tableFor = (headers: RequestHeaders): RouteTable | undefined => {
    const key = scopeKey(extractors, headers);
    return key === undefined ? undefined : scopes.get(key);
  };
  return {
    name: settings.name,
    tables,
    tableFor,
    route: (headers, stream) => tableFor(headers)?.route(headers, stream),
  };
}

/** The key under which a scope is kept; lengths keep `a`, `bc` apart from `ab`, `c`. */
function joined(fragments: readonly string[]): string {
  return fragments.map((fragment) => `${fragment.length}:${fragment}`).join('');
}

/** `undefined` when one of the fragments cannot be had. */
function scopeKey(extractors: readonly Extractor[], headers: RequestHeaders): string | undefined {
  let key = '';
  for (const extractor of extractors) {
    const fragment = extractor.extract(headers);
    if (fragment === undefined) return undefined;
    key += `${fragment.length}:${fragment}`;
  }
  return key;
}

/** Takes one fragment of the key from the first line of a header. Nothing is trimmed, as in Envoy. */
class Extractor {
  private readonly name: string;
  private readonly separator: string;
  private readonly index: number;
  private readonly element: { readonly separator: string; readonly key: string } | undefined;

  constructor({ name, elementSeparator, index = 0, element }: HeaderValueExtractorSettings) {
    this.name = name.toLowerCase();
    this.separator = wireText(elementSeparator);
    this.index = index;
    this.element = element && { separator: wireText(element.separator), key: wireText(element.key) };
  }

  extract(headers: RequestHeaders): string | undefined {
    const value = headers.get(this.name);
    if (value === undefined) return undefined;
    const elements = this.separator === '' ? [value] : value.split(this.separator);
    return this.element === undefined ? elements[this.index] : valueOf(elements, this.element);
  }
}

/** The value of the first element with the key; an element that is only the key has the value ''. */
function valueOf(
  elements: readonly string[],
  { separator, key }: { readonly separator: string; readonly key: string },
): string | undefined {
  for (const element of elements) {
    if (element === key) return '';
    if (element.startsWith(key + separator)) return element.slice(key.length + separator.length);
  }
  return undefined;
}
