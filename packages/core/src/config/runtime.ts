/** The layered runtime, in today's form and in that of 2018. */
import type { z } from 'zod';
import type { LayeredRuntimeOptions, RuntimeLayerSettings } from '../runtime/layered-runtime.ts';
import { BadRuntimeValue, staticValues } from '../runtime/runtime-layers.ts';
import { type DeepPartial, fields, message, required, withDefault } from './message.ts';
import { bool, list, nonEmpty, string, struct } from './proto-json.ts';
import type { Report } from './schema-type.ts';

const diskLayer = message(
  {
    symlink_root: required(nonEmpty()),
    subdirectory: withDefault(string(), ''),
    append_service_cluster: withDefault(bool(), false),
  },
  { name: 'envoy.config.bootstrap.v3.RuntimeLayer.DiskLayer' },
);

const runtimeLayer = message(
  {
    name: required(nonEmpty()),
    static_layer: struct(),
    disk_layer: diskLayer,
    admin_layer: message({}, { name: 'envoy.config.bootstrap.v3.RuntimeLayer.AdminLayer' }),
  },
  {
    name: 'envoy.config.bootstrap.v3.RuntimeLayer',
    known: fields('rtds_layer', 'xDS is not built yet'),
    oneofs: [{ fields: ['static_layer', 'disk_layer', 'admin_layer', 'rtds_layer'], required: true }],
    check: ({ staticLayer }, report) => checkValues('static_layer', staticLayer, report),
  },
);

/** Envoy `LayeredRuntime`. */
export const layeredRuntime = message(
  { layers: list(runtimeLayer) },
  {
    name: 'envoy.config.bootstrap.v3.LayeredRuntime',
    check({ layers = [] }, report) {
      const names = new Set<string>();
      let admin = 0;
      for (const [index, layer] of layers.entries()) {
        const { name = '', adminLayer } = layer ?? {};
        if (names.has(name)) report({ path: ['layers', index, 'name'], message: `Duplicate layer name: ${name}` });
        names.add(name);
        if (adminLayer !== undefined && ++admin === 2) {
          const message = 'Too many admin layers specified in LayeredRuntime, at most one may be specified';
          report({ path: ['layers', index, 'admin_layer'], at: 'key', message });
        }
      }
    },
  },
);

/** Envoy `Runtime`, the form of 2018: files, files of one service cluster that override them, and the admin server. */
export const runtime = message(
  {
    symlink_root: withDefault(string(), ''),
    subdirectory: withDefault(string(), ''),
    override_subdirectory: withDefault(string(), ''),
    base: struct(),
  },
  {
    name: 'envoy.config.bootstrap.v3.Runtime',
    check: ({ base }, report) => checkValues('base', base, report),
  },
);

function checkValues(field: string, layer: DeepPartial<Readonly<Record<string, unknown>>> | undefined, report: Report) {
  try {
    staticValues(layer ?? {});
  } catch (error) {
    if (!(error instanceof BadRuntimeValue)) throw error;
    report({ path: [field, ...error.path], message: error.message });
  }
}

/** The layers that a configuration asks for, lowest first; none when it says nothing, as in Envoy. */
export function runtimeLayers(config: {
  readonly layeredRuntime?: z.output<typeof layeredRuntime>;
  readonly runtime?: z.output<typeof runtime>;
}): LayeredRuntimeOptions['layers'] {
  if (config.runtime === undefined) return config.layeredRuntime?.layers ?? [];
  const { symlinkRoot, subdirectory, overrideSubdirectory, base } = config.runtime;
  const layers: RuntimeLayerSettings[] = [{ name: 'base', staticLayer: base ?? {} }];
  if (symlinkRoot !== '') {
    layers.push({ name: 'root', diskLayer: { symlinkRoot, subdirectory, appendServiceCluster: false } });
    if (overrideSubdirectory !== '') {
      const diskLayer = { symlinkRoot, subdirectory: overrideSubdirectory, appendServiceCluster: true };
      layers.push({ name: 'override', diskLayer });
    }
  }
  return [...layers, { name: 'admin', adminLayer: {} }];
}
