/** Finds the built core package for bench files. */
import { existsSync } from 'node:fs';

const entry = new URL('../../packages/core/dist/index.js', import.meta.url);

/** @returns {Promise<Record<string, unknown> | undefined>} everything `@mesh/core` exports; nothing when it is not built */
export async function loadCore() {
  return existsSync(entry) ? import(entry.href) : undefined;
}
