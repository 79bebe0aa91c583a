import { describe, expect, it } from 'vitest';
import { parseExtensionConfig } from './extension-config.ts';
import { bootstrap, parse, problems, registry, routerType } from './fixture.ts';

const router = `{ name: envoy.filters.http.router, typed_config: { "@type": ${routerType} } }`;
const then = (first: string) => ({ filters: `${first}\n          - ${router}` });
const manager = 'static_resources.listeners[0].filter_chains[0].filters[0].typed_config';
const vhost = `${manager}.route_config.virtual_hosts[0]`;

type Filters = { httpFilters: { name: string; config: unknown; disabled: boolean; typeUrl?: string }[] };

function managerOf(text: string) {
  return parse(text).config.staticResources.listeners[0]?.filterChains[0]?.filters[0]?.config as Filters & {
    routeConfig: { virtualHosts: { typedPerFilterConfig: object; routes: { typedPerFilterConfig: object }[] }[] };
  };
}

describe('extension configurations', () => {
  it.each([
    ['snake_case', '{ max_wait_ms: 5, limits: { burst_size: 2 } }'],
    ['camelCase', '{ maxWaitMs: 5, limits: { burstSize: 2 } }'],
    ['an Empty', '{ "@type": type.googleapis.com/google.protobuf.Empty, max_wait_ms: 5, limits: { burst_size: 2 } }'],
    [
      'a Struct',
      '{ "@type": type.googleapis.com/google.protobuf.Struct, value: { max_wait_ms: 5, limits: { burst_size: 2 } } }',
    ],
  ])('plain zod schemas read %s', (_, config) => {
    const [gate] = managerOf(bootstrap(then(`{ name: acme.filters.http.gate, typed_config: ${config} }`))).httpFilters;
    expect(gate?.config).toEqual({ maxWaitMs: 5, mode: 'open', limits: { burstSize: 2 } });
  });

  it('defaults stand in for an absent typed_config', () => {
    const [gate] = managerOf(bootstrap(then('{ name: acme.filters.http.gate, disabled: true }'))).httpFilters;
    expect(gate).toMatchObject({
      name: 'acme.filters.http.gate',
      disabled: true,
      config: { maxWaitMs: 10, mode: 'open' },
    });
  });

  it('the type decides, the name is free', () => {
    const text = bootstrap({ filters: `{ name: mine, typed_config: { "@type": ${routerType} } }` });
    const [mine] = managerOf(text).httpFilters;
    expect(mine).toMatchObject({ name: 'mine', typeUrl: routerType });
  });

  it('a TypedStruct names the type inside', () => {
    const wrapped = `{ "@type": type.googleapis.com/xds.type.v3.TypedStruct, type_url: ${routerType}, value: { suppress_envoy_headers: true } }`;
    const [found] = managerOf(bootstrap({ filters: `{ name: r, typed_config: ${wrapped} }` })).httpFilters;
    expect(found?.config).toEqual({ suppressEnvoyHeaders: true });
  });

  it('schemas of other libraries see the data as written', () => {
    const [foreign] = managerOf(
      bootstrap(then('{ name: acme.filters.http.foreign, typed_config: { size: 1 } }')),
    ).httpFilters;
    expect(foreign?.config).toEqual({ size: 1 });
  });

  it.each([
    [
      'unknown key',
      'acme.filters.http.gate, typed_config: { max_wait: 5 }',
      'c.yaml:12:61',
      'typed_config.max_wait: unknown field "max_wait" (did you mean "max_wait_ms"?)',
    ],
    [
      'unknown key deep down',
      'acme.filters.http.gate, typed_config: { limits: { burst_size: 1, brst_size: 2 } }',
      'c.yaml:12:86',
      'typed_config.limits.brst_size: unknown field "brst_size" (did you mean "burst_size"?)',
    ],
    [
      'wrong type',
      'acme.filters.http.gate, typed_config: { max_wait_ms: soon }',
      'c.yaml:12:74',
      'typed_config.max_wait_ms: expected a number, got "soon"',
    ],
    [
      'wrong choice',
      'acme.filters.http.gate, typed_config: { mode: opne }',
      'c.yaml:12:67',
      'typed_config.mode: expected one of open, shut, got "opne" (did you mean "open"?)',
    ],
    [
      'both spellings',
      'acme.filters.http.gate, typed_config: { max_wait_ms: 1, maxWaitMs: 2 }',
      'c.yaml:12:77',
      'typed_config.maxWaitMs: "maxWaitMs" is given twice, as snake_case and as camelCase',
    ],
    [
      'foreign schema',
      'acme.filters.http.foreign, typed_config: { size: 2 }',
      'c.yaml:12:70',
      'typed_config.size: must be 1',
    ],
    [
      'asynchronous schema',
      'acme.filters.http.slow',
      'c.yaml:12:13',
      ': the acme schema of this extension validates asynchronously, which configuration cannot do',
    ],
    [
      'unregistered name',
      'acme.filters.http.gat',
      'c.yaml:12:21',
      `.name: Didn't find a registered implementation for 'acme.filters.http.gat' with type URL: '' (did you mean "acme.filters.http.gate"?)`,
    ],
    [
      'unregistered type',
      'x, typed_config: { "@type": type.googleapis.com/acme.X }',
      'c.yaml:12:49',
      `.typed_config.@type: Didn't find a registered implementation for 'x' with type URL: 'type.googleapis.com/acme.X'`,
    ],
    [
      'type of another',
      'envoy.filters.http.router, typed_config: { "@type": type.googleapis.com/acme.X }',
      'c.yaml:12:73',
      `("envoy.filters.http.router" has the type ${routerType})`,
    ],
    [
      'bad type',
      'x, typed_config: { "@type": 5 }',
      'c.yaml:12:49',
      'expected a type URL such as "type.googleapis.com/<message>", got 5',
    ],
    ['no map', 'x, typed_config: 5', 'c.yaml:12:38', 'typed_config: expected a map with "@type", got 5'],
    [
      'discovery',
      'acme.filters.http.gate, config_discovery: {}',
      'c.yaml:12:45',
      'config_discovery: known to Envoy, not supported here: extension discovery (ECDS) is not built yet',
    ],
    [
      'no name',
      '"", typed_config: { "@type": type.googleapis.com/acme.X }',
      'c.yaml:12:21',
      '.name: expected a non-empty string, got ""',
    ],
  ])('%s', (_, entry, place, message) => {
    const told = problems(bootstrap(then(`{ name: ${entry} }`)));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(message);
    expect(told[0]?.split(' ')[0]).toBe(place);
  });

  it('fields that an extension knows and has not built are told as such', () => {
    const filters = router.replace(' } }', ', start_child_span: true } }');
    expect(problems(bootstrap({ filters }))).toEqual([
      `c.yaml:12:141 ${manager}.http_filters[0].typed_config.start_child_span: known to Envoy, not supported here: tracing is not built yet`,
    ]);
  });

  it('a type that must be written is told to be missing', () => {
    expect(problems(bootstrap({ filters: '{ name: envoy.filters.http.router, typed_config: {} }' }))).toEqual([
      `c.yaml:12:62 ${manager}.http_filters[0].typed_config: needs "@type" (add "@type": ${routerType})`,
    ]);
  });

  it('network filters are looked up likewise', () => {
    const told = problems(bootstrap({ networkFilters: '      - name: envoy.filters.network.ecko' }));
    expect(told).toEqual([
      `c.yaml:7:15 static_resources.listeners[0].filter_chains[0].filters[0].name: Didn't find a registered implementation for 'envoy.filters.network.ecko' with type URL: '' (did you mean "envoy.filters.network.echo"?)`,
    ]);
  });
});

describe('typed_per_filter_config', () => {
  const gates = (config: string, more = '') => ({
    filters: `{ name: gate, typed_config: { "@type": type.googleapis.com/google.protobuf.Empty } }${more}\n          - ${router}`,
    routes: `{ match: { prefix: / }, route: { cluster: c }, typed_per_filter_config: ${config} }`,
  });
  const named = (config: string) => {
    const parts = gates(config);
    return { ...parts, filters: parts.filters.replace('name: gate,', 'name: acme.filters.http.gate,') };
  };

  it('is parsed by the schema of the filter of that name', () => {
    const text = bootstrap(named('{ acme.filters.http.gate: { max_wait_ms: 7 } }'));
    expect(managerOf(text).routeConfig.virtualHosts[0]?.routes[0]?.typedPerFilterConfig).toEqual({
      'acme.filters.http.gate': expect.objectContaining({ disabled: undefined, config: { maxWaitMs: 7 } }),
    });
  });

  it.each([
    ['{ disabled: true', true, undefined],
    ['{ config: {}', false, undefined],
    ['{ config: { max_wait_ms: 8 }', false, { maxWaitMs: 8 }],
    ['{ disabled: true, config: { max_wait_ms: 8 }', true, { maxWaitMs: 8 }],
  ])('a FilterConfig switches: %s }', (config, disabled, expected) => {
    const type = '"@type": type.googleapis.com/envoy.config.route.v3.FilterConfig';
    const text = bootstrap(named(`{ acme.filters.http.gate: ${config}, ${type} } }`));
    expect(managerOf(text).routeConfig.virtualHosts[0]?.routes[0]?.typedPerFilterConfig).toEqual({
      'acme.filters.http.gate': expect.objectContaining({ disabled, config: expected }),
    });
  });

  it.each(['acme.gate', 'envoy.filters.http.router'])('an optional FilterConfig for %s is left out', (filter) => {
    const type = '"@type": type.googleapis.com/envoy.config.route.v3.FilterConfig';
    const text = bootstrap(named(`{ ${filter}: { is_optional: true, config: { x: 1 }, ${type} } }`));
    const { typedPerFilterConfig } = managerOf(text).routeConfig.virtualHosts[0]?.routes[0] ?? {};
    expect(typedPerFilterConfig).toEqual({ [filter]: undefined });
  });

  it.each([
    [
      'no such filter',
      named('{ acme.gate: { max_wait_ms: 1 } }'),
      'routes[0].typed_per_filter_config["acme.gate"]: no HTTP filter of this chain is named "acme.gate"',
    ],
    [
      'no config per route',
      named(`{ envoy.filters.http.router: { x: 1 } }`),
      "The filter envoy.filters.http.router doesn't support virtual host or route specific configurations",
    ],
    ['unknown key', named('{ acme.filters.http.gate: { max_wait: 1, max_wait_ms: 1 } }'), 'unknown field "max_wait"'],
    ['wrong value', named('{ acme.filters.http.gate: { max_wait_ms: x } }'), 'max_wait_ms: expected a number, got "x"'],
    [
      'an empty FilterConfig',
      named(
        '{ acme.filters.http.gate: { "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: false } }',
      ),
      'Empty route/virtual host per filter configuration (give disabled: true, or config: {})',
    ],
    [
      'two filters of that name',
      {
        ...named('{ acme.filters.http.gate: { max_wait_ms: 1 } }'),
        filters: `{ name: acme.filters.http.gate }\n          - { name: acme.filters.http.gate }\n          - ${router}`,
      },
      'several HTTP filters of this chain are named "acme.filters.http.gate" (give each filter a name of its own)',
    ],
  ])('is refused: %s', (_, parts, message) => {
    const told = problems(bootstrap(parts));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(`${vhost}.routes[0]`);
    expect(told[0]).toContain(message);
  });

  it('belongs to virtual hosts too', () => {
    const text = bootstrap({
      ...then('{ name: acme.filters.http.gate }'),
      virtualHost:
        'domains: ["*"]\n              typed_per_filter_config: { acme.filters.http.gate: { maxWaitMs: 3 } }',
    });
    expect(managerOf(text).routeConfig.virtualHosts[0]?.typedPerFilterConfig).toEqual({
      'acme.filters.http.gate': expect.objectContaining({ config: { maxWaitMs: 3 } }),
    });
  });
});

describe('parseExtensionConfig', () => {
  it('puts paths below the base', () => {
    const gate = registry.find('http-filter', { name: 'acme.filters.http.gate' });
    const { value, issues } = parseExtensionConfig(gate!.config, { mode: 1 }, ['a', 0]);
    expect(value).toBeUndefined();
    expect(issues.map(({ path }) => path)).toEqual([['a', 0, 'mode']]);
  });
});
