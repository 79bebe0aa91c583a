/** `--mode validate`: everything short of binding a socket. */
import { validateConfig } from '@mesh/core';
import { standard } from '@mesh/standard';
import { configProblems } from './config-problems.ts';
import type { Io } from './io.ts';
import type { RunOptions } from './options.ts';
import { proxyConfig } from './proxy-config.ts';

/** Prints `configuration 'FILE' OK`, or every problem as `file:line:col path: what`. Resolves with the exit code. */
export async function validate(options: RunOptions, io: Io): Promise<number> {
  try {
    await validateConfig({ ...proxyConfig(options), extensions: standard });
  } catch (error) {
    const problems = configProblems(error);
    if (problems === undefined) throw error;
    await io.err(`${problems}\n`);
    return 1;
  }
  await io.out(`configuration '${options.configPath ?? ''}' OK\n`);
  return 0;
}
