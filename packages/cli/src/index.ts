/** The `mesh` command as a function. */
export { shownCommandLine } from './command-line-options.ts';
export type { Io, Signal, UncaughtKind } from './io.ts';
export { main } from './main.ts';
export { version } from './version.ts';
