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
import { askedFamily, chooseRecords } from './family.ts';
import { type DnsLookup, type DnsQuery, type DnsRecord, errorCode } from './lookup.ts';
import { addressesOf } from './srv.ts';
import { hostsFile } from './system-files.ts';

const NO_SUCH_NAME = new Set<unknown>(['ENOTFOUND', 'ENODATA', 'ENONAME', 'EAI_NONAME', 'EAI_NODATA']);

/** The lookup of this machine. `retries`: how often a temporary failure is tried again at once. */
export function systemLookupWith(retries: number): DnsLookup {
  const addresses = async (name: string, query: DnsQuery) =>
    chooseRecords(await find(name, query, retries), query.family);
  return async (name, query) =>
    query.srv ? addressesOf(await askServices(name), query, addresses) : addresses(name, query);
}

async function find(name: string, { family, withTtl }: DnsQuery, retries: number): Promise<readonly DnsRecord[]> {
  const asked = askedFamily(family);
  if (withTtl && (await hostsFile()).of(name) === undefined) {
    const records = await askDns(name, asked);
    if (records.length > 0) return records;
  }
  return askSystem(name, asked, retries);
}

const THREADS = Math.max(1, Math.floor(Number(process.env.UV_THREADPOOL_SIZE ?? 4) / 2) || 1);
let busy = 0;
const waiting: (() => void)[] = [];
const underWay = new Map<string, Promise<readonly DnsRecord[]>>();

/** One call per name at a time: getaddrinfo cannot be cancelled, so a call that hangs is joined, not repeated. */
function askSystem(name: string, family: 0 | 4 | 6, retries: number): Promise<readonly DnsRecord[]> {
  const key = `${family} ${name}`;
  const running = underWay.get(key);
  if (running !== undefined) return running;
  const started = withThread(() => patiently(name, family, retries)).finally(() => underWay.delete(key));
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

async function patiently(name: string, family: 0 | 4 | 6, retries: number): Promise<readonly DnsRecord[]> {
  for (let left = retries; ; left--) {
    try {
      return await getaddrinfo(name, family);
    } catch (error) {
      if (left <= 0 || errorCode(error) !== 'EAI_AGAIN') throw error;
    }
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

async function askServices(name: string) {
  try {
    const records = await new dns.promises.Resolver({ timeout: 2000, tries: 2 }).resolveSrv(name);
    return records.map(({ name: target, port, priority, weight }) => ({ target, port, priority, weight }));
  } catch (error) {
    if (NO_SUCH_NAME.has(errorCode(error))) return [];
    throw error;
  }
}
