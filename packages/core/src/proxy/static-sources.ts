/** The first config of a proxy as resources, with what was written where a file has them. */
import type { JsonObject } from '../admin/index.ts';
import type { BootstrapConfig } from '../config/bootstrap.ts';
import { clusterSchema } from '../config/cluster.ts';
import { listenerSchema } from '../config/listener.ts';
import { writtenForm } from '../config/written-form.ts';
import type { ResourceSource } from './resource-source.ts';

type Static = BootstrapConfig['staticResources'];

/** `raw` is the config as it was written; what code added stands behind what the file has. */
export function staticSources(bootstrap: BootstrapConfig, raw: JsonObject, loadedAtMs: number) {
  const { clusters, listeners } = bootstrap.staticResources;
  const written = (raw.static_resources ?? {}) as { clusters?: JsonObject[]; listeners?: JsonObject[] };
  return {
    clusters: sourcesOf<Static['clusters'][number]>(clusterSchema, clusters, written.clusters, loadedAtMs),
    listeners: sourcesOf<Static['listeners'][number]>(listenerSchema, listeners, written.listeners, loadedAtMs),
  };
}

function sourcesOf<Config>(
  schema: Parameters<typeof writtenForm>[0],
  configs: readonly Config[],
  written: readonly JsonObject[] = [],
  loadedAtMs: number,
): ResourceSource<Config>[] {
  const lastUpdated = new Date(loadedAtMs);
  return configs.map((config, index) => {
    const raw = () => written[index] ?? (writtenForm(schema, config) as JsonObject);
    return { config, raw, version: '', lastUpdated, addedViaApi: false };
  });
}
