/** The fault catalogue as a page: what the table says of each flag, and what was seen. */
import type { AbsentFlag, Fault, FlagEntry, Look } from './fault.ts';
import { absentFlags, flags } from './flags.ts';
import { LOG_FORMAT, type Observation } from './play.ts';
import type { Recording } from './recorded.ts';

const introduction = (version: string): string => `# Fault catalogue

What each response flag (\`%RESPONSE_FLAGS%\`) means, what brings it about, and what client, access log, statistics and
trace show of it. Every section was written from a test (\`conformance/faults\`): the fault is made on real sockets, and what is
printed here is what was seen. The same faults were put to Envoy ${version}; where it shows something else, the section says so.

The page is generated: \`node --conditions=@mesh/source --import tsx conformance/faults/record.mjs\` plays everything anew.

## How to use it

1. Find the request in the access log: by its \`x-request-id\`, or by what is not right:
   \`grep -v ' - - "' access.log\` shows the lines with a flag, in the format below.
2. Look the flag up here. The **details** tell apart what shares a flag.
3. Run the commands of its section. The admin server is taken to be on 127.0.0.1:8001, the cluster to be called
   \`service1\`, the stat prefix \`ingress\`.

Flags are not errors of the proxy: it names what happened on either side. No flag (\`-\`) and a 5xx with the details
\`via_upstream\` means that the application itself answered so.

## The format of the log lines

Envoy's default format has the flags, but not the details. The lines below are written by

\`\`\`yaml
access_log:
  - name: envoy.access_loggers.file
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
      path: access.log
      log_format:
        text_format_source:
          inline_string: >
            ${LOG_FORMAT.replace('\n', '')
              .replaceAll(' ', '\n            ')
              .replace(/\n {12}(?="?%(?:RESPONSE_FLAGS|RESPONSE_FLAGS_LONG|REQ|PROTOCOL))/g, ' ')}
\`\`\`
`;

/** The whole page. */
export function page(recording: Recording): string {
  const sections = flags.map((entry) => section(entry, recording));
  return [introduction(recording.version), overview(), ...sections, absent(absentFlags)].join('\n');
}

function overview(): string {
  const rows = flags.map(
    ({ flag, long, means }) => `| [${flag}](#${anchor(flag, long)}) | ${long} | ${firstSentence(means)} |`,
  );
  return ['## Flags', '', '| Flag | Long form | Meaning |', '|---|---|---|', ...rows, ''].join('\n');
}

const anchor = (flag: string, long: string): string => `${flag}-${long}`.toLowerCase();

const firstSentence = (text: string): string => (/^.*?[.](?= |$)/.exec(text)?.[0] ?? text).replace(/\.$/, '');

function section({ flag, long, means, causes, look, faults }: FlagEntry, recording: Recording): string {
  return [
    `## ${flag} ${long}`,
    '',
    means,
    '',
    'Likely causes:',
    '',
    ...causes.map((cause) => `- ${cause}`),
    '',
    'What to look at next:',
    '',
    ...look.map(({ run, tells }) => `- \`${run}\`: ${tells}`),
    '',
    ...faults.map((fault) => faultText(fault, recording.mesh[fault.name], recording.version, look)),
  ].join('\n');
}

function faultText(fault: Fault, seen: Observation | undefined, version: string, look: readonly Look[]): string {
  if (seen === undefined) return `### ${fault.title}\n\nNot recorded.\n`;
  const compared = fault.onlyHere === undefined ? differing(fault, version) : `Envoy is not asked: ${fault.onlyHere}.`;
  return [
    `### ${fault.title}`,
    '',
    `Made by: ${fault.how}.`,
    '',
    'The client gets',
    '',
    '```',
    ...seen.client.map(clientText),
    '```',
    '',
    'and the log says',
    '',
    '```',
    ...seen.log.map(concrete),
    '```',
    '',
    ...transcript(seen.stats, look),
    `Statistics: ${statsText(seen.stats)}.  `,
    `Trace: ${traceText(seen.trace)}.  `,
    `${compared}`,
    '',
    fault.so,
    '',
  ].join('\n');
}

/** The command of the section that shows what has moved, with what it prints. */
function transcript(stats: Observation['stats'], look: readonly Look[]): string[] {
  for (const { run } of look) {
    const shown = shownBy(run, stats);
    if (shown.length > 0) return ['```', `$ ${run}`, ...shown, '```', ''];
  }
  return [];
}

/** The lines of `/stats` that a command prints of these. */
export function shownBy(run: string, stats: Observation['stats']): string[] {
  const filter = /\/stats\?filter=([^&']+)/.exec(run)?.[1];
  if (filter === undefined) return [];
  const wanted = new RegExp(filter);
  return Object.entries(stats).flatMap(([name, value]) =>
    wanted.test(named(name)) ? [`${named(name)}: ${value}`] : [],
  );
}

function differing({ differs = {} }: Fault, version: string): string {
  const all = Object.entries(differs).map(([what, why]) => `${what} (${why})`);
  return all.length === 0 ? `Envoy ${version}: the same.` : `Envoy ${version}: the same but for ${all.join('; ')}.`;
}

interface Response {
  readonly status: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

function clientText(seen: unknown): string {
  if (typeof seen === 'string') return `nothing: ${seen}`;
  if ('end' in (seen as object)) return bytesText(seen as { text: string; end: string });
  const { status, headers = [], body = '' } = seen as Response;
  if (!/^\d/.test(status)) return `${status.replace(/^broken: /, '')}`;
  return [`HTTP/1.1 ${status}`, ...headers, ...(body === '' ? [] : ['', body])].join('\n');
}

function bytesText({ text, end }: { readonly text: string; readonly end: string }): string {
  const bytes = text === '' ? 'no byte' : `"${text.replace(/^a:/, '')}"`;
  return `${bytes}, then the end of the connection${end === 'closed' || end === 'fin' ? '' : ` (${end})`}`;
}

function statsText(stats: Observation['stats']): string {
  const all = Object.entries(stats).map(([name, value]) => `\`${named(name)}\` +${value}`);
  return all.length === 0 ? 'none but those of every request' : all.join(', ');
}

function traceText(trace: Observation['trace']): string {
  if (trace.length === 0) return 'no span';
  return trace
    .map((tags) =>
      Object.entries(tags)
        .map(([name, value]) => `\`${name}=${traced(name, value)}\``)
        .join(', '),
    )
    .join('; ');
}

const traced = (name: string, value: string): string => (name === 'upstream_cluster.name' ? 'service1' : value);

/** Statistics under the names that the commands use. */
function named(stat: string): string {
  return stat
    .replace('cluster.<name>', 'cluster.service1')
    .replace('dns_cache.<name>', 'dns_cache.names')
    .replace('<name>', 'ingress');
}

/** A line with an address and a cluster in the place of those of the test. */
function concrete(line: string): string {
  return line
    .replace(/cluster=<\w+>/, 'cluster=service1')
    .replace(/host=<\w+>/, 'host=10.0.0.7:8080')
    .replaceAll(/<\w+>/g, '10.0.0.7:8080');
}

function absent(list: readonly AbsentFlag[]): string {
  return [
    '## Flags that cannot come up here',
    '',
    '| Flag | Long form | Why not |',
    '|---|---|---|',
    ...list.map(({ flag, long, reason }) => `| ${flag} | ${long} | ${reason} |`),
    '',
  ].join('\n');
}
