/**
 * A stub resolver: asks name servers of the user's choosing itself, and does for a name what the system's resolver would
 * do around that: hosts file, search domains, aliases, the next server when one fails, TCP when a datagram is too small.
 */
import { randomInt } from 'node:crypto';
import { getServers } from 'node:dns';
import { isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Clock, ServerResolverSettings } from '@mesh/core';
import { chooseRecords } from './family.ts';
import { type DnsLookup, type DnsQuery, type DnsRecord, dnsError } from './lookup.ts';
import { type Question, questionBytes, type RecordType, type Reply, readReply } from './message.ts';
import { addressesOf, type SrvRecord } from './srv.ts';
import { candidates, type HostsFile, hostsFile, type ResolvConf, resolvConf } from './system-files.ts';
import { askTcp, askUdp, givenUp, type NameServer } from './transport.ts';

/** Where an answer ends: records, or certainty that there are none. */
type Answer = Extract<Reply, { readonly kind: 'addresses' | 'services' | 'none' }>;

type Signal = DnsQuery['signal'];

/** One of the rounds of a question. */
interface Attempt {
  readonly round: number;
  readonly signal: Signal;
}

/** Names that one question may lead through when servers do not follow aliases themselves. */
const MOST_HOPS = 8;
/** c-ares' name server of a system that has none. */
const NO_SYSTEM_SERVER = '127.0.0.1';

/** What a stub resolver works with besides its settings. */
export interface ServerTools {
  readonly clock: Clock;
  /** Default: `/etc/hosts`. */
  readonly hosts?: () => Promise<HostsFile>;
  /** Default: `/etc/resolv.conf`. */
  readonly conf?: () => Promise<ResolvConf>;
}

/** The lookup of these servers. */
export function serverLookup(settings: ServerResolverSettings, tools: ServerTools): DnsLookup {
  const resolver = new ServerResolver(settings, tools);
  return (name, query) => (query.srv ? resolver.services(name, query) : resolver.addresses(name, query));
}

class ServerResolver {
  private readonly settings: ServerResolverSettings;
  private readonly tools: ServerTools;
  private turn = 0;

  constructor(settings: ServerResolverSettings, tools: ServerTools) {
    this.settings = settings;
    this.tools = tools;
  }

  async addresses(name: string, query: DnsQuery): Promise<readonly DnsRecord[]> {
    const local = (await (this.tools.hosts ?? hostsFile)()).of(name);
    if (local !== undefined) {
      const known = local.map((address) => ({ address }));
      return chooseRecords(known, query.family);
    }
    return this.completed(name, async (candidate) => {
      return chooseRecords(await this.ofFamily(candidate, query), query.family);
    });
  }

  async services(name: string, query: DnsQuery): Promise<readonly DnsRecord[]> {
    const services = await this.completed(name, async (candidate) => {
      const answer = await this.ask(candidate, 'SRV', query.signal);
      return answer.kind === 'services' ? answer.records : [];
    });
    // What an answer names is complete: no search domain belongs behind it.
    return addressesOf(services as readonly SrvRecord[], query, (target, each) =>
      this.addresses(`${target.replace(/\.$/, '')}.`, each),
    );
  }

  /** The first of the names that a name may stand for that has anything. */
  private async completed<T>(name: string, find: (candidate: string) => Promise<readonly T[]>): Promise<readonly T[]> {
    const conf = this.settings.search ? await (this.tools.conf ?? resolvConf)() : { search: [], ndots: 1 };
    for (const candidate of candidates(name, conf)) {
      const records = await find(candidate);
      if (records.length > 0) return records;
    }
    return [];
  }

  /** As in Envoy a preference asks for the other family only when the first has nothing; ALL asks for both at once. */
  private async ofFamily(name: string, { family, signal }: DnsQuery): Promise<readonly DnsRecord[]> {
    switch (family) {
      case 'V4_ONLY':
        return this.ofType(name, 'A', signal);
      case 'V6_ONLY':
        return this.ofType(name, 'AAAA', signal);
      case 'AUTO':
        return this.either(name, ['AAAA', 'A'], signal);
      case 'V4_PREFERRED':
        return this.either(name, ['A', 'AAAA'], signal);
      case 'ALL':
        return either(await Promise.allSettled([this.ofType(name, 'A', signal), this.ofType(name, 'AAAA', signal)]));
    }
  }

  private async either(name: string, types: readonly ['A' | 'AAAA', 'A' | 'AAAA'], signal: Signal) {
    const [one] = await Promise.allSettled([this.ofType(name, types[0], signal)]);
    if (one.status === 'fulfilled' && one.value.length > 0) return one.value;
    const [other] = await Promise.allSettled([this.ofType(name, types[1], signal)]);
    return either([one, other]);
  }

  private async ofType(name: string, type: 'A' | 'AAAA', signal: Signal): Promise<readonly DnsRecord[]> {
    if (this.settings.routableOnly && !isRoutable(type)) return [];
    const answer = await this.ask(name, type, signal);
    return answer.kind === 'addresses' ? answer.records : [];
  }

  /** Follows aliases that servers leave to the asker. */
  private async ask(name: string, type: RecordType, signal: Signal): Promise<Answer> {
    let current = name;
    let ttlS = Number.POSITIVE_INFINITY;
    for (let hop = 0; hop < MOST_HOPS; hop++) {
      const reply = await this.askServers(current, type, signal);
      if (reply.kind !== 'alias') return withTtlAtMost(reply, ttlS);
      current = reply.name;
      ttlS = Math.min(ttlS, reply.ttlS);
    }
    throw dnsError('EBADRESP', `${name} is an alias of more than ${MOST_HOPS} names`);
  }

  /** Each server in turn, and all of them again with more patience, until one of them knows. */
  private async askServers(
    name: string,
    type: RecordType,
    signal: Signal,
  ): Promise<Answer | Extract<Reply, { kind: 'alias' }>> {
    const servers = this.servers();
    const first = this.settings.rotate ? this.turn++ % servers.length : 0;
    let failure: unknown;
    for (let round = 0; round < this.settings.tries; round++) {
      for (let index = 0; index < servers.length; index++) {
        const server = servers[(first + index) % servers.length] as NameServer;
        try {
          return await this.askServer(server, { name, type, id: randomInt(0x1_0000) }, { round, signal });
        } catch (error) {
          if (signal?.aborted) throw error;
          failure = error;
        }
      }
    }
    throw failure;
  }

  private async askServer(server: NameServer, question: Question, { round, signal }: Attempt) {
    if (signal?.aborted) throw givenUp();
    const { tcp, timeoutMs, udpBytes } = this.settings;
    const exchange = {
      server,
      bytes: questionBytes(question, udpBytes),
      clock: this.tools.clock,
      timeoutMs: timeoutMs * 2 ** Math.min(round, 10),
      signal,
      read: (bytes: Uint8Array) => readReply(bytes, question),
    };
    let reply = await (tcp ? askTcp(exchange) : askUdp(exchange));
    if (reply.kind === 'cut' && !tcp) reply = await askTcp(exchange);
    if (reply.kind === 'cut') throw dnsError('EBADRESP', `${server.ip} cut its answer over TCP`);
    if (reply.kind === 'refused') throw dnsError(`E${reply.code}`, `${server.ip} answered ${reply.code}`);
    return reply;
  }

  private servers(): readonly NameServer[] {
    const { servers: own, fallback } = this.settings;
    if (own.length > 0 && !fallback) return own;
    const ofSystem = systemServers();
    return own.length > 0 && ofSystem.every(({ ip }) => ip === NO_SYSTEM_SERVER) ? own : ofSystem;
  }
}

/** What two questions found together. When one failed and the other found nothing, it is not certain that there is nothing. */
function either(results: readonly PromiseSettledResult<readonly DnsRecord[]>[]): readonly DnsRecord[] {
  const records = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined && records.length === 0) throw failed.reason;
  return records;
}

function withTtlAtMost(answer: Answer, ttlS: number): Answer {
  if (answer.kind === 'none' || ttlS === Number.POSITIVE_INFINITY) return answer;
  const least = <T extends { readonly ttlS?: number | undefined }>(record: T): T => {
    return { ...record, ttlS: Math.min(record.ttlS ?? ttlS, ttlS) };
  };
  if (answer.kind === 'addresses') return { kind: 'addresses', records: answer.records.map(least) };
  return { kind: 'services', records: answer.records.map(least) };
}

/** `getServers` has `ip`, `ip:port` and `[v6]:port`. */
function systemServers(): readonly NameServer[] {
  return getServers().map((text) => {
    if (isIPv4(text) || isIPv6(text)) return { ip: text, port: 53 };
    const parts = /^\[?(.*?)\]?:(\d+)$/.exec(text);
    return { ip: parts?.[1] ?? text, port: Number(parts?.[2] ?? 53) };
  });
}

function isRoutable(type: 'A' | 'AAAA'): boolean {
  const family = type === 'A' ? 'IPv4' : 'IPv6';
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some((address) => address.family === family && !address.internal),
  );
}
