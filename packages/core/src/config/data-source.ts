/** Bytes that configuration takes from a file, from the environment or from itself; read once, when it is loaded. */
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { type DeepPartial, fields, message } from './message.ts';
import { bytes, nonEmpty, string } from './proto-json.ts';

const sources = ['filename', 'inline_bytes', 'inline_string', 'environment_variable'] as const;

/** Envoy `DataSource`. A file that cannot be read and a variable that is not set are problems of the configuration. */
export const dataSource = message(
  {
    filename: nonEmpty(),
    inline_bytes: bytes(),
    inline_string: string(),
    environment_variable: nonEmpty(),
  },
  {
    name: 'envoy.config.core.v3.DataSource',
    known: fields('watched_directory', 'files are read once, when the configuration is loaded'),
    oneofs: [{ fields: sources, required: true }],
    check(source, report) {
      const { field, problem } = readDataSource(source);
      if (problem !== undefined) report({ path: [field], message: problem });
    },
  },
);

/** A checked `DataSource`. */
export type DataSource = z.output<typeof dataSource>;

/** What reading a data source yields: its bytes, or why there are none. */
export interface ReadSource {
  readonly field: (typeof sources)[number];
  readonly bytes?: Buffer;
  readonly problem?: string;
}

/** Reads a data source; of one without a source the bytes are empty. */
export function readDataSource(source: DeepPartial<DataSource>): ReadSource {
  const { filename, environmentVariable, inlineBytes, inlineString = '' } = source;
  if (filename !== undefined) return { field: 'filename', ...readFile(filename) };
  if (environmentVariable !== undefined) return { field: 'environment_variable', ...readVariable(environmentVariable) };
  if (inlineBytes !== undefined) return { field: 'inline_bytes', bytes: Buffer.from(inlineBytes as Uint8Array) };
  return { field: 'inline_string', bytes: Buffer.from(inlineString) };
}

function readFile(path: string): Pick<ReadSource, 'bytes' | 'problem'> {
  try {
    return { bytes: readFileSync(path) };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return { problem: missing ? `file ${path} does not exist` : `cannot be read: ${(error as Error).message}` };
  }
}

function readVariable(name: string): Pick<ReadSource, 'bytes' | 'problem'> {
  const value = process.env[name];
  return value === undefined
    ? { problem: `Environment variable doesn't exist: ${name}` }
    : { bytes: Buffer.from(value) };
}
