/** Finds the built core package for bench files. */
import { existsSync } from 'node:fs';

const entry = new URL('../../packages/core/dist/index.js', import.meta.url);

/** @returns {Promise<Record<string, unknown> | undefined>} everything `@mesh/core` exports; nothing when it is not built */
export async function loadCore() {
  return existsSync(entry) ? import(entry.href) : undefined;
}

const engine = new URL('../../packages/core/dist/engine.js', import.meta.url);
const engineSource = new URL('../../packages/core/src/engine.ts', import.meta.url);

/** @returns {Promise<Record<string, unknown> | undefined>} what `@mesh/core/engine` exports: the source under tsx */
export async function loadEngine() {
  if (process.execArgv.includes('tsx')) return import(engineSource.href);
  return existsSync(engine) ? import(engine.href) : undefined;
}
