/** The part of the options that tells the proxy what to be. */
import type { RunOptions } from './options.ts';

/** Options of `createProxy` for the configuration that the flags name. */
export function proxyConfig({ configPath, configYaml, node, statsTags }: RunOptions) {
  return {
    ...(configPath === undefined ? {} : { config: configPath }),
    ...(configYaml === undefined ? {} : { configOverride: configYaml }),
    node,
    statsTags,
  };
}
