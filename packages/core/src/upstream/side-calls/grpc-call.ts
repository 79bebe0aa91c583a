/** A gRPC stream: messages both ways until one side ends it (gRPC over HTTP/2, PROTOCOL-HTTP2.md). */
import type { Headers, ResponseHeaders } from '../../api/headers.ts';
import type { GrpcStream, GrpcStreamOptions, GrpcStreamUser } from '../../api/side-calls.ts';
import type { UpstreamCluster } from '../../api/upstream.ts';
import { grpcStatusOf } from '../../headers/grpc.ts';
import { formatGrpcTimeout } from '../../headers/grpc-timeout.ts';
import { type Loss, SideExchange } from './exchange.ts';
import { type FrameProblem, GrpcFrames, grpcFrame } from './grpc-frames.ts';
import type { SideCallParts } from './parts.ts';
import { sideCallHead } from './request-head.ts';

const MAX_MESSAGE_BYTES = 4_194_304;
/** `send` answers false above it. */
const HIGH_WATERMARK_BYTES = 262_144;
/** A user that does not listen to `send` loses its stream. */
const HARD_LIMIT_BYTES = 16_777_216;

/** gRPC status codes. */
const UNKNOWN = 2;
const DEADLINE_EXCEEDED = 4;
const RESOURCE_EXHAUSTED = 8;
const INTERNAL = 13;
const UNAVAILABLE = 14;

const PROBLEM_TEXTS: Readonly<Record<FrameProblem, string>> = {
  compressed: 'a compressed message, without a compression agreed on',
  'too long': 'a message is longer than it may be',
  'no gRPC': 'the response is no gRPC',
};

export class GrpcCall extends SideExchange implements GrpcStream {
  private readonly user: GrpcStreamUser;
  private readonly frames: GrpcFrames;
  private stopped = false;
  private told = false;
  private status: number | undefined = undefined;
  private message = '';

  /** @throws TypeError for what is no legal request. */
  constructor(parts: SideCallParts, cluster: UpstreamCluster, options: GrpcStreamOptions, user: GrpcStreamUser) {
    const { authority = cluster.name, metadata = [], path, timeoutMs } = options;
    const headers: (readonly [string, string])[] = [['te', 'trailers']];
    if (timeoutMs > 0) headers.push(['grpc-timeout', formatGrpcTimeout(timeoutMs)]);
    headers.push(['content-type', 'application/grpc'], ...metadata);
    const { skipEnvoyHeaders: plain } = options;
    super(
      parts,
      cluster,
      sideCallHead({ method: 'POST', path, authority, headers, timeoutMs, plain }, parts),
      undefined,
    );
    this.user = user;
    this.frames = new GrpcFrames(options.maxMessageBytes ?? MAX_MESSAGE_BYTES);
    this.connectRetries = options.connectRetries ?? 0;
    this.begin(timeoutMs);
  }

  // GrpcStream

  send(message: Uint8Array): boolean {
    if (this.done) return false;
    if (this.bufferedBytes + message.length > HARD_LIMIT_BYTES) {
      this.giveUp();
      setImmediate(() => this.tellEnd(RESOURCE_EXHAUSTED, 'too much waits to be sent'));
      return false;
    }
    this.push(grpcFrame(message));
    if (this.done) return false;
    const goOn = this.bufferedBytes <= HIGH_WATERMARK_BYTES;
    if (!goOn) this.stopped = true;
    return goOn;
  }

  end(): void {
    this.endRequest();
  }

  cancel(): void {
    if (this.told) return;
    this.told = true;
    if (!this.done) this.giveUp();
  }

  // SideExchange

  onInterim(): void {}

  protected head(head: ResponseHeaders, end: boolean): void {
    if (end && this.takeStatus(head)) return;
    if (head.status !== 200) this.fail(grpcStatusOf(head.status), `HTTP status ${head.status}`);
  }

  protected data(chunk: Uint8Array): void {
    const problem = this.frames.add(chunk, (message) => {
      this.parts.tell('a user of a gRPC stream', () => this.user.onMessage?.(message));
      return !this.done;
    });
    if (problem === undefined || this.done) return;
    this.fail(problem === 'too long' ? RESOURCE_EXHAUSTED : INTERNAL, PROBLEM_TEXTS[problem]);
  }

  protected trailers(trailers: Headers): void {
    this.takeStatus(trailers);
  }

  private takeStatus(fields: Headers): boolean {
    const given = fields.get('grpc-status')?.trim();
    if (given === undefined) return false;
    this.status = /^\d{1,9}$/.test(given) ? Number(given) : UNKNOWN;
    this.message = percentDecoded(fields.get('grpc-message') ?? '');
    return true;
  }

  protected drained(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.parts.tell('a user of a gRPC stream', () => this.user.onWritable?.());
  }

  protected ended(): void {
    this.tellEnd(
      this.status ?? UNKNOWN,
      this.status === undefined ? 'the stream ended without a status' : this.message,
    );
  }

  protected lost({ kind, detail }: Loss): void {
    this.tellEnd(kind === 'timeout' ? DEADLINE_EXCEEDED : UNAVAILABLE, detail);
  }

  private fail(status: number, message: string): void {
    this.giveUp();
    this.tellEnd(status, message);
  }

  private tellEnd(status: number, message: string): void {
    if (this.told) return;
    this.told = true;
    this.parts.tell('a user of a gRPC stream', () => this.user.onEnd(status, message));
  }
}

/** `grpc-message`; what is no percent-encoding stays as it is. */
function percentDecoded(text: string): string {
  if (!text.includes('%')) return text;
  const bytes = text.replace(/%([0-9a-fA-F]{2})/g, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString();
}
