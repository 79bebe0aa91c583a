/** Fills the `__name__` places of a configuration template and writes the result into a work folder. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('./configs/', import.meta.url));

/**
 * @param {string} template file name inside `configs/`; a `.tmpl` is YAML only once it is filled in
 * @param {Record<string, string | number>} values one value per place; a place without a value throws
 * @param {string} workDir folder that receives the rendered file
 * @returns {string} path of the rendered file
 */
export function render(template, values, workDir) {
  const text = readFileSync(join(folder, template), 'utf8').replace(/__([a-z]+(?:_[a-z]+)*)__/g, (_, name) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${template}: no value for __${name}__`);
    return String(value);
  });
  const path = join(workDir, template.replace(/\.tmpl$/, '.yaml'));
  writeFileSync(path, text);
  return path;
}
