/** `mesh explain`: what the proxy would do with a request, and why. */
import { createProxy, ExplainError, type ExplainRequest, formatExplanation, parseRequestLine } from '@mesh/core';
import { standard } from '@mesh/standard';
import { line } from '../help.ts';
import type { Io } from '../io.ts';
import type { ParsedFlags } from '../parse-flags.ts';
import { runSubcommand, type Subcommand } from '../subcommand.ts';
import { EXPLAIN_FLAGS } from './flags.ts';

const HELP = `mesh explain -c FILE '[METHOD] URL' [-H 'K: V']…

Says which listener, virtual host, route and cluster a request would meet, why earlier routes do not match, and what
the rewritten request looks like. Nothing is started, connected to or looked up.

  mesh explain -c front.yaml 'GET http://front.example/api?x=1' -H 'x-version: 2'

${EXPLAIN_FLAGS.map(line).join('\n')}

Ends with 0 when a route matches, 1 when the configuration or the question is wrong, 2 when no route matches or
the request is refused before.
`;

/** Runs the command; resolves with the exit code. */
export function explainCommand(argv: readonly string[], io: Io): Promise<number> {
  return runSubcommand(COMMAND, argv, io);
}

const COMMAND: Subcommand = {
  name: 'explain',
  flags: EXPLAIN_FLAGS,
  help: HELP,
  isProblem: (error) => error instanceof ExplainError,
  run,
};

async function run(flags: ParsedFlags, io: Io): Promise<number> {
  const { values } = flags;
  const [firstProblem] = flags.problems;
  if (firstProblem !== undefined) throw new ExplainError(flags.problems.join('; '));
  const request = requestOf(flags);
  const config = values.get('config-path');
  const configOverride = values.get('config-yaml');
  if (!config && !configOverride) throw new ExplainError('no configuration is given: use -c FILE');
  const proxy = await createProxy({
    ...(config && { config }),
    ...(configOverride && { configOverride }),
    extensions: standard,
  });
  try {
    const answer = proxy.explain(request);
    await io.out(values.has('json') ? `${JSON.stringify(answer, null, 2)}\n` : formatExplanation(answer));
    return answer.outcome === 'no_route' || answer.outcome === 'refused' ? 2 : 0;
  } finally {
    await proxy.close();
  }
}

/** The URL is one word, with or without the method in it, or the last of two. */
function requestOf({ words, values, lists }: ParsedFlags): ExplainRequest {
  if (words.length === 0) throw new ExplainError(`no request is given: mesh explain -c FILE 'GET http://host/path'`);
  const listener = values.get('listener');
  const sourceIp = values.get('source-ip');
  const serverName = values.get('server-name');
  return {
    ...parseRequestLine(words.join(' ')),
    headers: (lists.get('header') ?? []).map((text) => pair(text, ':', '--header', "'NAME: VALUE'")),
    runtime: Object.fromEntries((lists.get('runtime') ?? []).map((text) => pair(text, '=', '--runtime', 'KEY=VALUE'))),
    random: Number(values.get('random') ?? 0),
    ...(listener !== undefined && { listener }),
    ...(sourceIp !== undefined && { sourceIp }),
    ...(values.has('tls') && { tls: true }),
    ...(serverName !== undefined && { serverName }),
  };
}

function pair(text: string, separator: string, flag: string, form: string): readonly [string, string] {
  const at = text.indexOf(separator);
  if (at < 1) throw new ExplainError(`${flag} ${JSON.stringify(text)}: expected ${form}`);
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}
