/** The `mesh` command. */
import { explainCommand } from './explain/command.ts';
import { helpText } from './help.ts';
import { type Io, processIo } from './io.ts';
import { readOptions } from './options.ts';
import { type ParsedFlags, parseFlags } from './parse-flags.ts';
import { routeCheckCommand } from './route-check/command.ts';
import { printSchema } from './schema.ts';
import { serve } from './serve.ts';
import { validate } from './validate.ts';
import { versionLine } from './version.ts';

/** Commands with flags of their own; their name comes first. */
const TOOLS: ReadonlyMap<string, (argv: readonly string[], io: Io) => Promise<number>> = new Map([
  ['explain', explainCommand],
  ['route-check', routeCheckCommand],
]);

/**
 * Runs the command and resolves with the exit code: 0 when all went well, 1 when not (2 when
 * `explain` finds no route). In `serve` mode it resolves after
 * the proxy has been told to end and all is closed. `argv` is without the program's name; `io` is the process unless
 * a test gives another.
 */
export async function main(argv: readonly string[], io: Io = processIo): Promise<number> {
  const tool = argv[0] === undefined ? undefined : TOOLS.get(argv[0]);
  if (tool !== undefined) return tool(argv.slice(1), io);
  const flags = parseFlags(argv);
  if (flags.problems.length > 0) return complain(flags.problems, io);
  const [command, ...more] = flags.words;
  if (more.length > 0) return complain([`unexpected argument ${JSON.stringify(more[0])}`], io);
  if (flags.values.has('help') || command === 'help') return tell(helpText(), io);
  if (flags.values.has('version') || command === 'version') return tell(`${versionLine(io.nodeVersion)}\n`, io);
  if (flags.values.has('hot-restart-version')) return tell('disabled\n', io);
  if (command === 'schema') return printSchema(io);
  if (command !== undefined)
    return complain(
      [`unknown command ${JSON.stringify(command)}; there are explain, route-check, schema and version`],
      io,
    );
  return run(flags, io);
}

async function run(flags: ParsedFlags, io: Io): Promise<number> {
  const { options, problems } = readOptions(flags);
  if (options === undefined) return complain(problems, io);
  return options.mode === 'validate' ? validate(options, io) : serve(options, flags.ignored, io);
}

async function tell(text: string, io: Io): Promise<number> {
  await io.out(text);
  return 0;
}

async function complain(problems: readonly string[], io: Io): Promise<number> {
  await io.err(problems.map((problem) => `mesh: ${problem}\n`).join(''));
  return 1;
}
