/** What a request id costs: one is made for nearly every request. `crypto.randomUUID` is the yardstick. */
import { randomUUID } from 'node:crypto';
import { loadCore } from './core.mjs';

/** @param {import('tinybench').Bench} bench @returns {Promise<string | undefined>} why it cannot run */
export async function register(bench) {
  const core = await loadCore();
  if (!core) return 'packages/core is not built';
  const { createRequestId } = core;
  if (typeof createRequestId !== 'function') return '@mesh/core does not export createRequestId';
  bench.add('createRequestId', () => createRequestId());
  bench.add('crypto.randomUUID', () => randomUUID());
  return undefined;
}
