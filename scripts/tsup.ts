import type { Options } from 'tsup';

/** The one build recipe of every package: ESM, source maps, types, dependencies left outside. */
export function library(overrides: Options = {}): Options {
  return {
    entry: ['src/index.ts'],
    format: 'esm',
    target: 'node20',
    platform: 'node',
    sourcemap: true,
    clean: true,
    treeshake: true,
    removeNodeProtocol: false,
    dts: { compilerOptions: { ignoreDeprecations: '6.0', customConditions: [] } },
    ...overrides,
  };
}
