/** A request with its whole body, and its response with its whole body. */
import type { Host } from '../../api/cluster.ts';
import type { RequestWriter } from '../../api/codec.ts';
import type { Headers, ResponseHeaders } from '../../api/headers.ts';
import type { SideCall, SideCallUser, SideRequest, SideResponse } from '../../api/side-calls.ts';
import type { UpstreamCluster } from '../../api/upstream.ts';
import { CallSpan } from './call-span.ts';
import { type Loss, SideExchange } from './exchange.ts';
import type { SideCallParts } from './parts.ts';
import { sideCallHead } from './request-head.ts';

const MAX_RESPONSE_BYTES = 1_048_576;
const NO_BODY = new Uint8Array(0);

export class UnaryCall extends SideExchange implements SideCall {
  private readonly user: SideCallUser;
  private readonly maxBytes: number;
  private readonly span: CallSpan | undefined;
  private answer: ResponseHeaders | undefined = undefined;
  private lastTrailers: Headers | undefined = undefined;
  private chunks: Uint8Array[] = [];
  private bytes = 0;

  /** @throws TypeError for what is no legal request. */
  constructor(parts: SideCallParts, cluster: UpstreamCluster, request: SideRequest, user: SideCallUser) {
    const { body = NO_BODY, headers = [], method, path, timeoutMs } = request;
    const head = sideCallHead(
      { method, path, authority: request.authority ?? cluster.name, headers, timeoutMs },
      parts,
    );
    if (request.body !== undefined) head.put('content-length', String(body.length));
    super(parts, cluster, head, body);
    this.user = user;
    this.maxBytes = request.maxResponseBytes ?? MAX_RESPONSE_BYTES;
    this.span = request.parent && new CallSpan(request.parent, cluster, parts);
    this.span?.inject(head);
    this.begin(timeoutMs);
  }

  cancel(): void {
    if (this.done) return;
    this.giveUp();
    this.span?.canceled(this.host);
  }

  override onReady(writer: RequestWriter, host: Host): void {
    if (this.span !== undefined) this.span.connected = true;
    super.onReady(writer, host);
  }

  onInterim(): void {}

  protected head(head: ResponseHeaders): void {
    this.answer = head;
  }

  protected data(chunk: Uint8Array, owned: boolean): void {
    this.bytes += chunk.length;
    if (this.bytes > this.maxBytes) {
      this.giveUp();
      const detail = `the response is longer than ${this.maxBytes} bytes`;
      this.lost({ kind: 'response too large', detail, status: this.answer?.status ?? 0, flag: '-' });
      return;
    }
    this.chunks.push(owned ? chunk : new Uint8Array(chunk));
  }

  protected trailers(trailers: Headers): void {
    this.lastTrailers = trailers;
  }

  protected drained(): void {}

  protected ended(): void {
    const head = this.answer as ResponseHeaders;
    this.span?.answered(head.status, this.host);
    const { chunks, lastTrailers } = this;
    const body = chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
    this.chunks = [];
    const response = new WholeResponse(head, body, lastTrailers);
    this.parts.tell('a user of a side call', () => this.user.onResponse(response));
  }

  protected lost({ kind, detail, status, flag }: Loss): void {
    this.chunks = [];
    this.span?.failed(status, flag, this.host, this.answer !== undefined);
    this.parts.tell('a user of a side call', () => this.user.onFailure(kind, detail));
  }
}

class WholeResponse implements SideResponse {
  readonly status: number;
  readonly body: Uint8Array;
  private readonly fields: Headers;
  private readonly after: Headers | undefined;

  constructor(head: ResponseHeaders, body: Uint8Array, trailers: Headers | undefined) {
    this.status = head.status;
    this.body = body;
    this.fields = head;
    this.after = trailers;
  }

  header(name: string): string | undefined {
    return joined(this.fields, name);
  }

  trailer(name: string): string | undefined {
    return this.after && joined(this.after, name);
  }
}

function joined(fields: Headers, name: string): string | undefined {
  const values = fields.getAll(name);
  return values.length === 0 ? undefined : values.join(',');
}
