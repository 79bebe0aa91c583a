/** What is printed when a configuration is refused. */
import { ConfigError, formatIssues, MeshError } from '@mesh/core';

/** One line per problem for errors of the configuration; undefined for any other error. */
export function configProblems(error: unknown): string | undefined {
  if (error instanceof ConfigError) return formatIssues(error.issues);
  if (!(error instanceof MeshError)) return undefined;
  return error.code === 'CONFIG_INVALID' || error.code === 'DUPLICATE_EXTENSION' ? error.message : undefined;
}
