import { defineConfig } from 'vitest/config';

const conditions = ['@mesh/source', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    projects: [
      // Three hundred files that would each load the same sources again: they share them, which halves the time of the suite.
      { extends: true, test: { name: 'packages', include: ['packages/*/src/**/*.test.ts'], isolate: false } },
      // Processes, descriptors and load are measured here: each file has a process for itself.
      { extends: true, test: { name: 'whole', include: ['examples/**/*.test.ts', 'conformance/**/*.test.ts'] } },
    ],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
