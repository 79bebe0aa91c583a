/** Scoped routes of a connection manager: a key made of request headers chooses the route table. */
import { headerName } from './common.ts';
import { type DeepPartial, fields, message, required, withDefault } from './message.ts';
import { bool, list, nonEmpty, onlyEmpty, string, uint32 } from './proto-json.ts';
import { routeConfigurationSchema } from './route.ts';
import type { Report } from './schema-type.ts';

const scopes = 'envoy.extensions.filters.network.http_connection_manager.v3';
const builder = `${scopes}.ScopedRoutes.ScopeKeyBuilder`;
const xds = 'xDS is not built yet';

const kvElement = message(
  { separator: required(nonEmpty()), key: required(nonEmpty()) },
  { name: `${builder}.FragmentBuilder.HeaderValueExtractor.KvElement` },
);

const headerValueExtractor = message(
  {
    name: required(headerName()),
    element_separator: withDefault(string(), ''),
    index: uint32(),
    element: kvElement,
  },
  {
    name: `${builder}.FragmentBuilder.HeaderValueExtractor`,
    oneofs: [{ fields: ['index', 'element'], required: true }],
    check({ elementSeparator, index = 0 }, report) {
      if (index === 0 || elementSeparator !== '') return;
      report({ path: ['index'], message: 'Index > 0 for empty string element separator.' });
    },
  },
);

const fragmentBuilder = message(
  { header_value_extractor: required(headerValueExtractor) },
  { name: `${builder}.FragmentBuilder` },
);

const keyFragment = message(
  { string_key: required(string()) },
  { name: 'envoy.config.route.v3.ScopedRouteConfiguration.Key.Fragment' },
);

const scopedRouteConfiguration = message(
  {
    name: required(nonEmpty()),
    key: required(
      message(
        { fragments: required(list(keyFragment, { min: 1 }).schema) },
        { name: 'envoy.config.route.v3.ScopedRouteConfiguration.Key' },
      ),
    ),
    route_configuration: required(routeConfigurationSchema),
    /** Says when a table is fetched; these are here already. */
    on_demand: bool(),
  },
  {
    name: 'envoy.config.route.v3.ScopedRouteConfiguration',
    known: {
      route_configuration_name:
        'Fetching routes via RDS (route_configuration_name) is not supported with inline scoped routes.',
    },
  },
);

const scopedRouteConfigurationsList = message(
  { scoped_route_configurations: required(list(scopedRouteConfiguration, { min: 1 }).schema) },
  { name: `${scopes}.ScopedRouteConfigurationsList` },
);

/** Envoy `ScopedRoutes`, with its tables inline. */
export const scopedRoutes = message(
  {
    name: required(nonEmpty()),
    scope_key_builder: required(
      message({ fragments: required(list(fragmentBuilder, { min: 1 }).schema) }, { name: builder }),
    ),
    scoped_route_configurations_list: scopedRouteConfigurationsList,
    rds_config_source: onlyEmpty('map', xds),
  },
  {
    name: `${scopes}.ScopedRoutes`,
    known: fields('scoped_rds', xds),
    oneofs: [{ fields: ['scoped_route_configurations_list', 'scoped_rds'], required: true }],
    check: checkScopes,
  },
);

interface Scopes {
  readonly scopedRouteConfigurationsList: {
    readonly scopedRouteConfigurations: readonly {
      readonly name: string;
      readonly key: { readonly fragments: readonly { readonly stringKey: string }[] };
    }[];
  };
}

/** Names and keys must be unique. */
function checkScopes({ scopedRouteConfigurationsList: given }: DeepPartial<Scopes>, report: Report): void {
  const names = new Set<string>();
  const keys = new Map<string, string>();
  for (const [index, scope] of (given?.scopedRouteConfigurations ?? []).entries()) {
    const path = ['scoped_route_configurations_list', 'scoped_route_configurations', index];
    const { name = '', key } = scope ?? {};
    if (names.has(name)) {
      report({ path: [...path, 'name'], message: `duplicate scoped route configuration '${name}' found` });
    }
    names.add(name);
    const text = JSON.stringify(key?.fragments?.map((fragment) => fragment?.stringKey));
    const other = keys.get(text);
    if (other !== undefined && key !== undefined) {
      const message = `scope key conflict found, first scope is '${other}', second scope is '${name}'`;
      report({ path: [...path, 'key'], message });
    }
    keys.set(text, name);
  }
}
