/** What `mesh explain` and `mesh route-check` have alike: flags of their own, help, and problems told in one line each. */
import { configProblems } from './config-problems.ts';
import type { Flag } from './flags.ts';
import type { Io } from './io.ts';
import { type ParsedFlags, parseFlags } from './parse-flags.ts';

/** One command of the program that is not a proxy. */
export interface Subcommand {
  /** As it is typed, e.g. `explain`. */
  readonly name: string;
  readonly flags: readonly Flag[];
  readonly help: string;
  /** Whether an error says what is wrong with the question; its message is shown to the user. */
  isProblem(error: unknown): error is Error;
  run(flags: ParsedFlags, io: Io): Promise<number>;
}

/** Runs it; resolves with the exit code. Errors that are nobody's mistake but ours are thrown on. */
export async function runSubcommand(command: Subcommand, argv: readonly string[], io: Io): Promise<number> {
  const flags = parseFlags(argv, command.flags);
  if (flags.values.has('help')) {
    await io.out(command.help);
    return 0;
  }
  try {
    return await command.run(flags, io);
  } catch (error) {
    const problem = command.isProblem(error) ? `mesh ${command.name}: ${error.message}` : configProblems(error);
    if (problem === undefined) throw error;
    await io.err(`${problem}\n`);
    return 1;
  }
}
