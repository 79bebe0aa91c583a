/** Collectors of OpenTelemetry logs: one by @grpc/grpc-js, one of plain HTTP; both keep what they are sent. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { Decoded } from '../fixture.ts';

const FILE = fileURLToPath(new URL('./fixtures/otlp-logs.proto', import.meta.url));
const SERVICE = 'opentelemetry.proto.collector.logs.v1.LogsService';
const service = loadSync(FILE, { keepCase: true, longs: String, enums: String })[SERVICE] as ServiceDefinition;

/** What the collectors of a test have in common. */
export interface OtlpCollector {
  readonly port: number;
  readonly requests: Decoded[];
  close(): void;
}

/** Log records of all requests, in order. */
export function recordsOf({ requests }: OtlpCollector): Decoded[] {
  return requests.flatMap((request) => request.resource_logs[0].scope_logs[0].log_records);
}

/** A gRPC collector; `answer` is what it says to each call: a gRPC status, or nothing at all. */
export async function grpcCollector(answer: number | 'nothing' = 0): Promise<OtlpCollector> {
  const requests: Decoded[] = [];
  const server = new Server();
  server.addService(service, {
    Export(call: ServerUnaryCall<Decoded, Decoded>, reply: sendUnaryData<Decoded>) {
      requests.push(call.request);
      if (answer === 'nothing') return;
      reply(answer === status.OK ? null : { code: answer, details: 'as asked' }, {});
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { port, requests, close: () => server.forceShutdown() };
}

/** An HTTP collector. */
export async function httpCollector(
  answer: number,
): Promise<OtlpCollector & { readonly heads: http.IncomingMessage[] }> {
  const requests: Decoded[] = [];
  const heads: http.IncomingMessage[] = [];
  const { requestDeserialize } = service.Export as { requestDeserialize(bytes: Buffer): Decoded };
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      heads.push(request);
      requests.push(requestDeserialize(Buffer.concat(chunks)));
      response.writeHead(answer).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { port: (server.address() as AddressInfo).port, requests, heads, close };
}
