/** A name server on loopback, over UDP and TCP: it says what the test says, and writes down what it was asked. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, isIPv4, isIPv6, type Server, type Socket as TcpSocket } from 'node:net';
import { type Answer, decode, encode, type Packet } from 'dns-packet';

/** One question, as it came. */
export interface DnsQuestion {
  /** In lower case. */
  readonly name: string;
  /** `A`, `AAAA`, `SRV`, … */
  readonly type: string;
  readonly protocol: 'udp' | 'tcp';
  /** Monotonic time. */
  readonly atMs: number;
}

/** What a name has: an address, another name for it, or a host of a service. */
export type DnsData =
  | string
  | { readonly cname: string }
  | { readonly target: string; readonly port: number; readonly priority?: number; readonly weight?: number };

/**
 * How questions for a name are answered. `silence` answers nothing, `cut` sends an empty datagram with the sign to ask
 * over TCP, `forged` answers with another id first.
 */
export type DnsBehaviour =
  | 'nxdomain'
  | 'servfail'
  | 'refused'
  | 'silence'
  | readonly DnsData[]
  | { readonly data: readonly DnsData[]; readonly ttlS?: number; readonly cut?: boolean; readonly forged?: boolean };

/** Options of {@link startDnsServer}. */
export interface DnsServerOptions {
  /** Default: any free one. */
  readonly port?: number;
  /** Default `127.0.0.1`. */
  readonly address?: string;
}

const RCODES = { noerror: 0, servfail: 2, nxdomain: 3, refused: 5 } as const;
const RESPONSE_FLAGS = 0x0580; // authoritative, recursion desired and available
const CUT = 0x0200;
const DEFAULT_TTL_S = 60;
/** What may be sent to somebody who says nothing about it. */
const PLAIN_UDP_BYTES = 512;

export class DnsServer {
  readonly port: number;
  readonly address: string;
  /** In the order in which they came. */
  readonly questions: DnsQuestion[] = [];
  /** Called for every question right before it is answered, with what the answer will be. */
  onAnswer: ((question: DnsQuestion, behaviour: DnsBehaviour) => void) | undefined = undefined;
  private readonly behaviours = new Map<string, DnsBehaviour>();
  private readonly udp: Socket;
  private readonly tcp: Server;
  private readonly connections = new Set<TcpSocket>();

  /** @internal */
  constructor(udp: Socket, tcp: Server) {
    this.udp = udp;
    this.tcp = tcp;
    const bound = tcp.address() as AddressInfo;
    this.port = bound.port;
    this.address = bound.address;
    udp.on('message', (bytes, from) => {
      const reply = (message: Uint8Array) => this.udp.send(message, from.port, from.address);
      this.serve(bytes, 'udp', reply);
    });
    tcp.on('connection', (socket) => this.serveConnection(socket));
  }

  /** From now on, how questions for the name are answered. Names that nobody has spoken of do not exist. */
  answer(name: string, behaviour: DnsBehaviour): void {
    this.behaviours.set(name.toLowerCase(), behaviour);
  }

  /** How often a name was asked for, with any type. */
  asked(name: string): number {
    return this.questions.filter((question) => question.name === name.toLowerCase()).length;
  }

  async close(): Promise<void> {
    for (const socket of this.connections) socket.destroy();
    const closed = [once(this.udp, 'close'), once(this.tcp, 'close')];
    this.udp.close();
    this.tcp.close();
    await Promise.all(closed);
  }

  private serveConnection(socket: TcpSocket): void {
    let received = Buffer.alloc(0);
    this.connections.add(socket);
    socket.on('close', () => this.connections.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        this.serve(received.subarray(2, end), 'tcp', (message) => {
          const length = Buffer.alloc(2);
          length.writeUInt16BE(message.length);
          socket.write(Buffer.concat([length, message]));
        });
        received = received.subarray(end);
      }
    });
  }

  private serve(bytes: Uint8Array, protocol: 'udp' | 'tcp', reply: (message: Uint8Array) => void): void {
    const query = decode(Buffer.from(bytes));
    const [question] = query.questions ?? [];
    if (question === undefined) return;
    const name = question.name.toLowerCase();
    const asked = { name, type: question.type, protocol, atMs: performance.now() };
    const behaviour = this.behaviours.get(name) ?? 'nxdomain';
    this.questions.push(asked);
    this.onAnswer?.(asked, behaviour);
    if (behaviour === 'silence') return;
    if (typeof behaviour === 'string') {
      reply(response(query, RCODES[behaviour], []));
      return;
    }
    const { cut = false, forged = false } = 'data' in behaviour ? behaviour : {};
    const whole = response(query, RCODES.noerror, this.records(question.name, question.type));
    if (forged) reply(response({ ...query, id: ((query.id ?? 0) + 1) % 0x1_0000 }, RCODES.nxdomain, []));
    const tooLong = protocol === 'udp' && (cut || whole.length > roomOf(query));
    reply(tooLong ? response(query, RCODES.noerror, [], CUT) : whole);
  }

  /** The records of a name, those of the name that it stands for after it, as a recursive server gives them. */
  private records(name: string, type: string, depth = 0): Answer[] {
    const behaviour = this.behaviours.get(name.toLowerCase());
    if (behaviour === undefined || typeof behaviour === 'string' || depth > 20) return [];
    const { data, ttlS = DEFAULT_TTL_S } = 'data' in behaviour ? behaviour : { data: behaviour };
    return data.flatMap((each) => {
      const record = recordOf(name, each, ttlS);
      if (record.type !== 'CNAME') return record.type === type ? [record] : [];
      return [record, ...this.records((each as { cname: string }).cname, type, depth + 1)];
    });
  }
}

function recordOf(name: string, data: DnsData, ttl: number): Answer {
  if (typeof data === 'string') return { name, type: isIPv6(data) ? 'AAAA' : 'A', ttl, data };
  if ('cname' in data) return { name, type: 'CNAME', ttl, data: data.cname };
  return { name, type: 'SRV', ttl, data: { priority: 0, weight: 0, ...data } };
}

function response(query: Packet, rcode: number, answers: Answer[], flags = 0): Uint8Array {
  const { id = 0, questions = [] } = query;
  return encode({ type: 'response', id, flags: RESPONSE_FLAGS | flags | rcode, questions, answers });
}

function roomOf(query: Packet): number {
  const edns = query.additionals?.find(({ type }) => type === 'OPT') as { udpPayloadSize?: number } | undefined;
  return Math.max(PLAIN_UDP_BYTES, edns?.udpPayloadSize ?? 0);
}

/** Starts a name server; UDP and TCP have the same port. */
export async function startDnsServer({ port = 0, address = '127.0.0.1' }: DnsServerOptions = {}): Promise<DnsServer> {
  for (let attempt = 0; ; attempt++) {
    const tcp = createServer();
    tcp.listen(port, address);
    await once(tcp, 'listening');
    const udp = createSocket(isIPv4(address) ? 'udp4' : 'udp6');
    try {
      udp.bind((tcp.address() as AddressInfo).port, address);
      await once(udp, 'listening');
      return new DnsServer(udp, tcp);
    } catch (error) {
      // The port is free for TCP only.
      udp.close();
      tcp.close();
      if (port !== 0 || attempt === 10) throw error;
    }
  }
}
