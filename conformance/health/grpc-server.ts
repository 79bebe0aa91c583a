/** A gRPC server that answers `grpc.health.v1.Health/Check`, by @grpc/grpc-js. */
import { type handleUnaryCall, Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';

/** What it answers from now on: a serving status, a call status other than OK, or nothing. */
export type HealthAnswer = 'SERVING' | 'NOT_SERVING' | 'UNKNOWN' | { readonly code: number } | 'silence' | 'garbage';

const SERVING_STATUS = { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2 } as const;

/** One check as the server saw it. */
export interface SeenCheck {
  readonly service: string;
  readonly host: string;
  readonly metadata: Metadata;
  readonly deadlineMs: number;
}

export class HealthServer {
  readonly server: Server;
  readonly port: number;
  readonly seen: SeenCheck[] = [];
  /** By service name; a name that is not here is NOT_FOUND. */
  readonly answers: Map<string, HealthAnswer>;

  private constructor(server: Server, port: number, seen: SeenCheck[], answers: Map<string, HealthAnswer>) {
    this.server = server;
    this.port = port;
    this.seen = seen;
    this.answers = answers;
  }

  /** `withHealth` false: the server knows no health service at all. */
  static async start(answers: Record<string, HealthAnswer>, withHealth = true): Promise<HealthServer> {
    const seen: SeenCheck[] = [];
    const byService = new Map(Object.entries(answers));
    const server = new Server();
    const check: handleUnaryCall<Buffer, Buffer> = (call, done) => {
      const service = serviceOf(call.request);
      const deadlineMs = Number(call.getDeadline()) - Date.now();
      seen.push({ service, host: call.getHost(), metadata: call.metadata, deadlineMs });
      const answer = byService.get(service);
      if (answer === 'silence') return;
      if (answer === undefined) done({ code: status.NOT_FOUND, metadata: new Metadata() });
      else if (typeof answer === 'object') done({ code: answer.code, metadata: new Metadata() });
      else if (answer === 'garbage') done(null, Buffer.from([0xff, 0xff, 0xff]));
      else done(null, Buffer.from([0x08, SERVING_STATUS[answer]]));
    };
    const method = { path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false } as const;
    const plain = {
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    };
    if (withHealth) server.addService({ Check: { ...method, ...plain } }, { Check: check });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return new HealthServer(server, port, seen, byService);
  }

  stop(): void {
    this.server.forceShutdown();
  }
}

const same = (bytes: Buffer): Buffer => bytes;

function serviceOf(request: Buffer): string {
  return request.length === 0 ? '' : request.subarray(2, 2 + (request[1] as number)).toString();
}
