/**
 * A collector of spans for trying things out, where there is no Zipkin: it takes what Zipkin takes in JSON, keeps the last
 * traces in memory, and shows them.
 *
 *   POST /api/v1/spans, /api/v2/spans   reports
 *   GET  /                              the traces as a page
 *   GET  /api/v2/traces                 the same as JSON, and /api/v2/trace/<id> one of them, as Zipkin has it
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tracesPage } from './page.ts';
import { readSpans, type Span } from './spans.ts';

const MAX_BODY_BYTES = 1_048_576;
const MAX_TRACES = 100;
const MAX_SPANS_PER_TRACE = 500;

/** A running collector. */
export class Collector {
  readonly server: Server;
  /** Bodies that were taken, as they came. */
  reports = 0;
  private readonly traces = new Map<string, Span[]>();

  constructor() {
    this.server = createServer((request, response) => this.serve(request, response));
  }

  /** Listens on a loopback port, 0 for any free one. */
  listen(port = 0): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', () => resolve((this.server.address() as AddressInfo).port));
    });
  }

  /** The spans of a trace so far. */
  trace(id: string): readonly Span[] {
    return this.traces.get(id) ?? [];
  }

  /** All traces that are kept, the oldest first. */
  all(): (readonly Span[])[] {
    return [...this.traces.values()];
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    const [path = ''] = (request.url ?? '').split('?');
    const version = /^\/api\/v([12])\/spans$/.exec(path)?.[1];
    if (request.method === 'POST' && version !== undefined) {
      this.take(version === '1' ? 1 : 2, request, response);
    } else if (request.method === 'GET') this.show(path, response);
    else response.writeHead(405).end();
  }

  private show(path: string, response: ServerResponse): void {
    const one = /^\/api\/v2\/trace\/([0-9a-f]+)$/.exec(path)?.[1];
    if (path === '/') {
      const policy = "default-src 'none'; style-src 'unsafe-inline'";
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy });
      response.end(tracesPage(this.all()));
    } else if (path === '/api/v2/traces') json(response, 200, this.all());
    else if (one !== undefined && this.traces.has(one)) json(response, 200, this.trace(one));
    else response.writeHead(404).end();
  }

  private take(version: 1 | 2, request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
    });
    request.on('end', () => {
      if (bytes > MAX_BODY_BYTES) {
        response.writeHead(413).end();
        return;
      }
      try {
        for (const span of readSpans(version, Buffer.concat(chunks).toString())) this.keep(span);
        this.reports++;
        response.writeHead(202).end();
      } catch (error) {
        json(response, 400, { error: (error as Error).message });
      }
    });
  }

  private keep(span: Span): void {
    const spans = this.traces.get(span.traceId);
    if (spans === undefined) this.traces.set(span.traceId, [span]);
    else if (spans.length < MAX_SPANS_PER_TRACE) spans.push(span);
    const [oldest] = this.traces.keys();
    if (this.traces.size > MAX_TRACES && oldest !== undefined) this.traces.delete(oldest);
  }
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
