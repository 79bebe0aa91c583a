/** DNS messages of a stub resolver: one question out, its answer in (RFC 1035, EDNS0 as in RFC 6891). */
import { type Answer, decode, encode, type Packet, RECURSION_DESIRED } from 'dns-packet';
import type { DnsRecord } from './lookup.ts';
import type { SrvRecord } from './srv.ts';

/** What may be asked for. */
export type RecordType = 'A' | 'AAAA' | 'SRV';

/** One question under way. */
export interface Question {
  readonly name: string;
  readonly type: RecordType;
  /** 16 bits that nobody can guess: an answer must repeat them. */
  readonly id: number;
}

/** What a server said. */
export type Reply =
  | { readonly kind: 'addresses'; readonly records: readonly DnsRecord[] }
  | { readonly kind: 'services'; readonly records: readonly SrvRecord[] }
  /** The name is another name for one that the answer does not contain. */
  | { readonly kind: 'alias'; readonly name: string; readonly ttlS: number }
  /** No such name, or nothing of this type: certain either way. */
  | { readonly kind: 'none' }
  /** Too long for UDP. */
  | { readonly kind: 'cut' }
  /** The server does not know; another one may. */
  | { readonly kind: 'refused'; readonly code: string };

/** Longest chain of aliases; a longer one is a circle. */
const MOST_ALIASES = 16;
/** RFC 2181 section 8: a TTL with the highest bit set is 0. */
const MOST_TTL_S = 0x7fff_ffff;

/** The bytes of a question. */
export function questionBytes({ name, type, id }: Question, udpBytes: number): Uint8Array {
  const edns = { type: 'OPT', name: '.', udpPayloadSize: udpBytes, extendedRcode: 0, ednsVersion: 0, flags: 0 };
  return encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED,
    questions: [{ name, type, class: 'IN' }],
    additionals: [{ ...edns, flag_do: false, options: [] } as unknown as Answer],
  });
}

/** Reads an answer; `undefined` when it is none to this question, whoever sent it. */
export function readReply(bytes: Uint8Array, question: Question): Reply | undefined {
  const packet = decoded(bytes);
  if (packet === undefined || packet.id !== question.id || packet.type !== 'response') return undefined;
  const [asked, ...more] = packet.questions ?? [];
  const code = (packet as Packet & { readonly rcode: string }).rcode;
  // A server that could not even read the question need not repeat it.
  if (asked === undefined && code !== 'NOERROR' && code !== 'NXDOMAIN') return { kind: 'refused', code };
  if (asked === undefined || more.length > 0 || asked.type !== question.type) return undefined;
  if (!same(asked.name, question.name)) return undefined;
  if ((packet as Packet & { readonly flag_tc: boolean }).flag_tc) return { kind: 'cut' };
  if (code === 'NXDOMAIN') return { kind: 'none' };
  if (code !== 'NOERROR') return { kind: 'refused', code };
  return found(packet.answers ?? [], question);
}

function decoded(bytes: Uint8Array): Packet | undefined {
  try {
    return decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch {
    // Whatever that was, it is no answer.
    return undefined;
  }
}

/** Follows the aliases from the name that was asked for; records of other names are none of our business. */
function found(answers: readonly Answer[], { name, type }: Question): Reply {
  let current = name;
  let ttlS = MOST_TTL_S;
  for (let step = 0; step < MOST_ALIASES; step++) {
    const own = answers.filter((answer) => 'name' in answer && same(answer.name, current));
    const records = own.filter((answer) => answer.type === type);
    if (records.length > 0) return reply(records, type, ttlS);
    const alias = own.find((answer) => answer.type === 'CNAME') as { data: string; ttl?: number } | undefined;
    if (alias === undefined) return step === 0 ? { kind: 'none' } : { kind: 'alias', name: current, ttlS };
    current = alias.data;
    ttlS = Math.min(ttlS, seconds(alias.ttl));
  }
  return { kind: 'refused', code: 'BADRESP' };
}

function reply(records: readonly Answer[], type: RecordType, aliasTtlS: number): Reply {
  const ttlOf = (record: Answer) => Math.min(aliasTtlS, seconds((record as { ttl?: number }).ttl));
  if (type !== 'SRV') {
    const addresses = records.map((record) => ({
      address: (record as { data: string }).data,
      ttlS: ttlOf(record),
    }));
    return { kind: 'addresses', records: addresses };
  }
  const services = records.map((record) => {
    const { target, port, priority = 0, weight = 0 } = (record as { data: SrvRecord }).data;
    return { target, port, priority, weight, ttlS: ttlOf(record) };
  });
  return { kind: 'services', records: services };
}

function seconds(ttl: number | undefined): number {
  return ttl === undefined || ttl > MOST_TTL_S ? 0 : ttl;
}

/** Names differ in neither case nor a last dot. */
function same(one: string, other: string): boolean {
  return one.toLowerCase().replace(/\.$/, '') === other.toLowerCase().replace(/\.$/, '');
}
