/** What of an answer cannot be the same twice is masked, each by its own rule; all else is compared. */
import type { Question } from './questions.ts';

/** Texts that depend on where something runs, with what is written in their place. */
export type Masks = readonly (readonly [text: string, mask: string])[];

type Data = string | number | boolean | null | readonly Data[] | { readonly [key: string]: Data };

/** Values of fields that are another at every run or in every program, wherever they are. */
const MASKED_FIELDS: Readonly<Record<string, string>> = {
  last_updated: '<time>',
  days_until_expiration: '<days>',
  uptime_current_epoch: '<seconds>',
  uptime_all_epochs: '<seconds>',
  version: '<version>',
  user_agent_name: '<name>',
  user_agent_build_version: '<build>',
  extensions: '<extensions>',
  // Of the command line: the two are started differently.
  base_id: '<given>',
  use_dynamic_base_id: '<given>',
  config_path: '<given>',
  admin_address_path: '<given>',
  log_level: '<given>',
  // The fields of /memory.
  allocated: '<bytes>',
  heap_size: '<bytes>',
  pageheap_unmapped: '<bytes>',
  pageheap_free: '<bytes>',
  total_thread_cache: '<bytes>',
  total_physical_bytes: '<bytes>',
};

/** Loggers that both have. */
const LOGGERS = /^ {2}(?!admin:|main:)/;

/** A body as it is compared. */
export function normalizeBody({ ask = '' }: Question, body: string, masks: Masks): unknown {
  let text = body;
  for (const [found, mask] of masks) text = text.replaceAll(found, mask);
  if (text.startsWith('{')) return masked(JSON.parse(text) as Data);
  if (text.startsWith('invalid path. admin commands are:')) return 'invalid path. <help>';
  if (text.startsWith('admin commands are:')) return commands(text);
  if (ask.startsWith('/clusters')) return byCluster(text);
  if (ask.includes('/logging')) return text.split('\n').filter((line) => !LOGGERS.test(line));
  // protobuf makes its texts for people unstable on purpose.
  return text
    .replace(/goo\.gle\/debug\w+ */g, '')
    .replace(/\s+paths:/g, ' paths:')
    .replace(/^total: \d+$/m, 'total: <n>');
}

function masked(value: Data): Data {
  if (Array.isArray(value)) return sorted(value.map(masked));
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value as { [key: string]: Data }).map(([key, item]) => {
    const mask = MASKED_FIELDS[key];
    return [key, mask ?? masked(item)] as const;
  });
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Envoy keeps clusters in a hash table. */
function sorted(list: readonly Data[]): readonly Data[] {
  const name = (item: Data): string => {
    const fields = item as { name?: string; cluster?: { name?: string }; endpoint_config?: { cluster_name?: string } };
    return fields?.cluster?.name ?? fields?.endpoint_config?.cluster_name ?? fields?.name ?? '';
  };
  return [...list].sort((a, b) => (name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : 0));
}

/** Lines of one cluster keep their order. */
function byCluster(text: string): readonly string[] {
  const cluster = (line: string): string => line.slice(0, line.indexOf('::'));
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.sort((a, b) => (cluster(a) < cluster(b) ? -1 : cluster(a) > cluster(b) ? 1 : 0));
}

/** Commands by path, each with its help and its parameters. */
function commands(text: string): Record<string, Record<string, string>> {
  const found: Record<string, Record<string, string>> = {};
  let last: Record<string, string> = {};
  for (const line of text.split('\n').slice(1)) {
    const [, indent = '', name = '', help = ''] = /^( +)([^:]+): (.*)$/.exec(line) ?? [];
    if (indent.length === 2) {
      last = { help };
      found[name] = last;
    } else if (name !== '') last[name] = help;
  }
  return found;
}
