/** `mesh schema`. */
import { configJsonSchema } from '@mesh/core';
import { standard } from '@mesh/standard';
import type { Io } from './io.ts';

/** Prints the JSON Schema of the whole configuration, for editors (`# yaml-language-server: $schema=…`). */
export async function printSchema(io: Io): Promise<number> {
  await io.out(`${JSON.stringify(configJsonSchema(standard), null, 2)}\n`);
  return 0;
}
