import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configJsonSchema, validateConfig } from '@mesh/core';
import { describe, expect, it } from 'vitest';
import { envoyMap, staleNotes } from '../../../scripts/envoy-map.ts';
import { standard } from './index.ts';

function committed(name: string): string {
  return readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
}

describe('generated documents', () => {
  it('docs/envoy-map.md is what scripts/envoy-map.ts writes', () => {
    expect(committed('envoy-map.md')).toBe(envoyMap());
  });

  it('docs/envoy-map.md has no note on a field that is gone', () => {
    expect(staleNotes()).toEqual([]);
  });

  it('docs/mesh.schema.json is what `mesh schema` prints', () => {
    expect(JSON.parse(committed('mesh.schema.json'))).toEqual(JSON.parse(JSON.stringify(configJsonSchema(standard))));
  });
});

const examples = new URL('../../../examples/yaml/', import.meta.url);

describe('examples/yaml', () => {
  const configurations = readdirSync(examples).filter((name) => name !== 'route-tests.yaml');
  it.each(configurations)('%s is valid', async (name) => {
    await validateConfig({ config: fileURLToPath(new URL(name, examples)), extensions: standard });
  });
});
