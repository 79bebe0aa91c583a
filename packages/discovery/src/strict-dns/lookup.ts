/**
 * Asks the system for the addresses of a name.
 *
 * Two ways exist in Node and neither is enough alone. `dns.lookup` is getaddrinfo: it reads the hosts file, follows
 * search domains and nsswitch as every other program on the machine does, but tells no TTL and holds a thread of libuv's
 * pool, which files and compression need too. `Resolver.resolve4/6` is c-ares: no thread and a TTL, but the DNS only.
 * So getaddrinfo is the rule, behind a limit of half of the pool; with `respect_dns_ttl` the DNS is asked first, unless
 * the hosts file has the name, and getaddrinfo answers what the DNS does not know.
 */
import dns from 'node:dns';
import { readFile } from 'node:fs/promises';

/** One address of a name. */
export interface DnsRecord {
  readonly address: string;
  /** Seconds that the answer may be used; absent when the source does not tell. */
  readonly ttlS?: number;
}

/** What to ask for: 4 and 6 are one family, 0 is both. */
export interface DnsQuery {
  readonly family: 0 | 4 | 6;
  readonly withTtl: boolean;
}

/**
 * Finds the addresses of a name. Resolves with an empty list when the name does not exist or has no such addresses;
 * rejects when that could not be found out.
 */
export type DnsLookup = (name: string, query: DnsQuery) => Promise<readonly DnsRecord[]>;

const NO_SUCH_NAME = new Set<unknown>(['ENOTFOUND', 'ENODATA', 'ENONAME', 'EAI_NONAME', 'EAI_NODATA']);

/** The lookup of this machine. */
export const systemLookup: DnsLookup = async (name, query) => {
  if (query.withTtl && !(await isLocalName(name))) {
    const records = await askDns(name, query.family);
    if (records.length > 0) return records;
  }
  return askSystem(name, query.family);
};

/** Node's error code, which is also what belongs in a log. */
export function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : String(error);
}

const THREADS = Math.max(1, Math.floor(Number(process.env.UV_THREADPOOL_SIZE ?? 4) / 2) || 1);
let busy = 0;
const waiting: (() => void)[] = [];
const underWay = new Map<string, Promise<readonly DnsRecord[]>>();

/** One call per name at a time: getaddrinfo cannot be cancelled, so a call that hangs is joined, not repeated. */
function askSystem(name: string, family: 0 | 4 | 6): Promise<readonly DnsRecord[]> {
  const key = `${family} ${name}`;
  const running = underWay.get(key);
  if (running !== undefined) return running;
  const started = withThread(() => getaddrinfo(name, family)).finally(() => underWay.delete(key));
  underWay.set(key, started);
  return started;
}

async function withThread<Result>(work: () => Promise<Result>): Promise<Result> {
  if (busy >= THREADS) await new Promise<void>((resolve) => waiting.push(resolve));
  else busy++;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) busy--;
    else next();
  }
}

function getaddrinfo(name: string, family: 0 | 4 | 6): Promise<readonly DnsRecord[]> {
  return new Promise((resolve, reject) => {
    dns.lookup(name, { all: true, family, verbatim: true }, (error, addresses) => {
      if (error === null) resolve(addresses.map(({ address }) => ({ address })));
      else if (NO_SUCH_NAME.has(error.code)) resolve([]);
      else reject(error);
    });
  });
}

async function askDns(name: string, family: 0 | 4 | 6): Promise<readonly DnsRecord[]> {
  const resolver = new dns.promises.Resolver({ timeout: 2000, tries: 2 });
  const questions = [
    ...(family === 6 ? [] : [resolver.resolve4(name, { ttl: true })]),
    ...(family === 4 ? [] : [resolver.resolve6(name, { ttl: true })]),
  ];
  const answers = await Promise.allSettled(questions);
  const records = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (records.length > 0) return records.map(({ address, ttl }) => ({ address, ttlS: ttl }));
  for (const answer of answers) {
    if (answer.status === 'rejected' && !NO_SUCH_NAME.has(errorCode(answer.reason))) throw answer.reason;
  }
  return [];
}

/** Whether the hosts file speaks about the name: it goes before the DNS. */
async function isLocalName(name: string): Promise<boolean> {
  const wanted = name.toLowerCase().replace(/\.$/, '');
  if (wanted === 'localhost' || wanted.endsWith('.localhost')) return true;
  // A machine without a hosts file has no names in it.
  const hosts = await readFile('/etc/hosts', 'utf8').catch(() => '');
  return hosts.split('\n').some((line) => {
    const [, ...names] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/);
    return names.includes(wanted);
  });
}
