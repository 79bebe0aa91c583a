/** A gRPC service without protobuf: messages are bytes. Server and client are @grpc/grpc-js. */
import * as grpc from '@grpc/grpc-js';

const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value };
const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Echo/${path}`,
  requestStream,
  responseStream,
  requestSerialize: bytes.serialize,
  requestDeserialize: bytes.deserialize,
  responseSerialize: bytes.serialize,
  responseDeserialize: bytes.deserialize,
});

export const ECHO = {
  Unary: method('Unary', false, false),
  ClientStream: method('ClientStream', true, false),
  ServerStream: method('ServerStream', false, true),
  Bidi: method('Bidi', true, true),
  /** Not served: the answer is trailers only. */
  Missing: method('Missing', false, false),
} as const;

/** The one message size limit of both sides, above gRPC's default of 4 MiB. */
const LIMITS = { 'grpc.max_receive_message_length': 64 << 20, 'grpc.max_send_message_length': 64 << 20 };

type Unary = grpc.ServerUnaryCall<Buffer, Buffer>;
type Answer = grpc.sendUnaryData<Buffer>;

/** What a test may look at and change. */
export interface Behaviour {
  /** `undefined`: answers at once; else waits for it. */
  gate: Promise<void> | undefined;
  /** Calls that the client has given up. */
  cancelled: number;
  /** Calls that have arrived. */
  calls: number;
}

export class EchoServer {
  readonly port: number;
  readonly behaviour: Behaviour;
  readonly #server: grpc.Server;

  private constructor(server: grpc.Server, port: number, behaviour: Behaviour) {
    this.#server = server;
    this.port = port;
    this.behaviour = behaviour;
  }

  static async start(): Promise<EchoServer> {
    const behaviour: Behaviour = { gate: undefined, cancelled: 0, calls: 0 };
    const server = new grpc.Server(LIMITS);
    const { Missing, ...served } = ECHO;
    server.addService(served as unknown as grpc.ServiceDefinition, handlers(behaviour));
    const credentials = grpc.ServerCredentials.createInsecure();
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
    });
    return new EchoServer(server, port, behaviour);
  }

  /** GOAWAY on every connection; calls under way go on. */
  drain(): void {
    this.#server.drain(`127.0.0.1:${this.port}`, 60_000);
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}

function handlers(behaviour: Behaviour): grpc.UntypedServiceImplementation {
  const arrive = (call: { on(event: 'cancelled', listener: () => void): unknown }) => {
    behaviour.calls++;
    call.on('cancelled', () => behaviour.cancelled++);
  };
  return {
    Unary: async (call: Unary, answer: Answer) => {
      arrive(call);
      const initial = new grpc.Metadata();
      for (const value of call.metadata.get('x-echo')) initial.add('x-initial', value);
      call.sendMetadata(initial);
      await behaviour.gate;
      const [wanted] = call.metadata.get('x-fail');
      const trailing = new grpc.Metadata();
      trailing.set('x-trailing', 'last');
      if (wanted === undefined) answer(null, call.request, trailing);
      else answer({ code: Number(wanted), details: 'as asked', metadata: trailing });
    },
    ClientStream: (call: grpc.ServerReadableStream<Buffer, Buffer>, answer: Answer) => {
      arrive(call);
      const parts: Buffer[] = [];
      call.on('data', (part: Buffer) => parts.push(part));
      call.on('end', () => answer(null, Buffer.concat(parts)));
    },
    ServerStream: async (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
      arrive(call);
      const count = Number(call.request.toString());
      for (let i = 0; i < count && !call.cancelled; i++) call.write(Buffer.from(`part ${i}`));
      await behaviour.gate;
      call.end();
    },
    Bidi: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      arrive(call);
      call.on('data', (part: Buffer) => call.write(part));
      call.on('end', () => call.end());
    },
  };
}

/** A client of {@link EchoServer}, through a proxy. */
export class EchoClient extends grpc.Client {
  constructor(port: number, ca?: Buffer) {
    const credentials = ca === undefined ? grpc.credentials.createInsecure() : grpc.credentials.createSsl(ca);
    super(`localhost:${port}`, credentials, { ...LIMITS, 'grpc.enable_http_proxy': 0 });
  }

  /** Resolves with the status, whatever it is. */
  unary(
    message: Buffer,
    metadata: Record<string, string> = {},
    options: grpc.CallOptions = {},
    called: { readonly path: string } = ECHO.Unary,
  ): UnaryCall {
    const fields = new grpc.Metadata();
    for (const [name, value] of Object.entries(metadata)) fields.set(name, value);
    const initial: grpc.Metadata[] = [];
    let end: (result: UnaryResult) => void = () => {};
    const result = new Promise<UnaryResult>((resolve) => {
      end = resolve;
    });
    let answer: Buffer | undefined;
    const { serialize, deserialize } = bytes;
    const call = this.makeUnaryRequest(called.path, serialize, deserialize, message, fields, options, (_, value) => {
      answer = value;
    });
    call.on('metadata', (given) => initial.push(given));
    call.on('status', ({ code, details, metadata: trailing }) => {
      // The status comes before the callback has run.
      setImmediate(() => end({ code, details, trailing, initial: initial[0], answer }));
    });
    return { result, cancel: () => call.cancel() };
  }

  clientStream(): { call: grpc.ClientWritableStream<Buffer>; answer: Promise<Buffer> } {
    let call: grpc.ClientWritableStream<Buffer> | undefined;
    const answer = new Promise<Buffer>((resolve, reject) => {
      const { serialize, deserialize } = bytes;
      call = this.makeClientStreamRequest(ECHO.ClientStream.path, serialize, deserialize, (error, value) => {
        if (error) reject(error);
        else resolve(value as Buffer);
      });
    });
    return { call: call as unknown as grpc.ClientWritableStream<Buffer>, answer };
  }

  serverStream(count: number): grpc.ClientReadableStream<Buffer> {
    const { serialize, deserialize } = bytes;
    return this.makeServerStreamRequest(ECHO.ServerStream.path, serialize, deserialize, Buffer.from(String(count)));
  }

  bidi(): grpc.ClientDuplexStream<Buffer, Buffer> {
    return this.makeBidiStreamRequest(ECHO.Bidi.path, bytes.serialize, bytes.deserialize);
  }
}

export interface UnaryCall {
  readonly result: Promise<UnaryResult>;
  cancel(): void;
}

export interface UnaryResult {
  readonly code: grpc.status;
  readonly details: string;
  readonly initial: grpc.Metadata | undefined;
  readonly trailing: grpc.Metadata;
  readonly answer: Buffer | undefined;
}
