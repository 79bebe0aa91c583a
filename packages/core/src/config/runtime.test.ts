import { describe, expect, it } from 'vitest';
import { bootstrapSchema } from './bootstrap.ts';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';
import { layeredRuntime, runtime, runtimeLayers } from './runtime.ts';

const layers = (...list: readonly object[]) => ({ layers: list });
const root = { symlink_root: '/srv/runtime' };

const accepted: readonly Accepted[] = [
  [
    'static layer',
    layeredRuntime,
    () => layers({ name: 'a', static_layer: { x: { y: 1 } } }),
    { layers: [{ name: 'a', staticLayer: { x: { y: 1 } } }] },
  ],
  [
    'disk layer',
    layeredRuntime,
    () => layers({ name: 'a', disk_layer: root }),
    { layers: [{ diskLayer: { symlinkRoot: '/srv/runtime', subdirectory: '', appendServiceCluster: false } }] },
  ],
  ['admin layer', layeredRuntime, () => layers({ name: 'a', admin_layer: {} }), { layers: [{ adminLayer: {} }] }],
  ['2018', runtime, () => root, { symlinkRoot: '/srv/runtime', subdirectory: '', overrideSubdirectory: '' }],
];

// The texts without "expected" and "needs" are those of Envoy 1.40.
const refused: readonly Refused[] = [
  [
    'a name twice',
    layeredRuntime,
    () => layers({ name: 'a', static_layer: {} }, { name: 'a', static_layer: {} }),
    'layers.1.name: Duplicate layer name: a',
  ],
  [
    'two admin layers',
    layeredRuntime,
    () => layers({ name: 'a', admin_layer: {} }, { name: 'b', admin_layer: {} }),
    'layers.1.admin_layer: Too many admin layers specified in LayeredRuntime, at most one may be specified',
  ],
  [
    'a layer that is none',
    layeredRuntime,
    () => layers({ name: 'a' }),
    'layers.0: needs one of static_layer, disk_layer, admin_layer',
  ],
  ['no name', layeredRuntime, () => layers({ admin_layer: {} }), 'layers.0.name: is required'],
  [
    'a list',
    layeredRuntime,
    () => layers({ name: 'a', static_layer: { a: { b: [1] } } }),
    'layers.0.static_layer.a.b: Invalid runtime entry value for a.b',
  ],
  [
    'null',
    layeredRuntime,
    () => layers({ name: 'a', static_layer: { a: null } }),
    'layers.0.static_layer.a: Invalid runtime entry value for a',
  ],
  [
    'xDS',
    layeredRuntime,
    () => layers({ name: 'a', rtds_layer: {} }),
    'layers.0.rtds_layer: known to Envoy, not supported here: xDS is not built yet',
  ],
  [
    'no root',
    layeredRuntime,
    () => layers({ name: 'a', disk_layer: {} }),
    'layers.0.disk_layer.symlink_root: is required',
  ],
  ['a list in 2018', runtime, () => ({ base: { a: [] } }), 'base.a: Invalid runtime entry value for a'],
  [
    'both forms',
    bootstrapSchema,
    () => ({ layered_runtime: {}, runtime: {} }),
    'runtime: only one of layered_runtime, runtime may be given',
  ],
];

describe('runtime schemas', () => {
  it.each(accepted)('%s is accepted', (_, schema, value, part) => expectAccepted(schema, value(), part));

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});

describe('runtimeLayers', () => {
  it('runtimeLayers has none when the configuration says nothing', () => {
    expect(runtimeLayers({})).toEqual([]);
  });

  it('runtimeLayers takes the layers as they are', () => {
    const parsed = layeredRuntime.parse(layers({ name: 'a', admin_layer: {} }));
    expect(runtimeLayers({ layeredRuntime: parsed })).toEqual([{ name: 'a', adminLayer: {} }]);
  });

  it('runtimeLayers makes layers of the form of 2018 as Envoy did', () => {
    const parsed = runtime.parse({ ...root, subdirectory: 'envoy', override_subdirectory: 'over', base: { k: 1 } });
    const symlinkRoot = '/srv/runtime';
    expect(runtimeLayers({ runtime: parsed })).toEqual([
      { name: 'base', staticLayer: { k: 1 } },
      { name: 'root', diskLayer: { symlinkRoot, subdirectory: 'envoy', appendServiceCluster: false } },
      { name: 'override', diskLayer: { symlinkRoot, subdirectory: 'over', appendServiceCluster: true } },
      { name: 'admin', adminLayer: {} },
    ]);
    expect(runtimeLayers({ runtime: runtime.parse({}) }).map(({ name }) => name)).toEqual(['base', 'admin']);
  });
});
