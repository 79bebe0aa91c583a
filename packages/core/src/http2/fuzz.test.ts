import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HeaderMap } from '../headers/header-map.ts';
import {
  block,
  type Exchange,
  frame,
  GET,
  POST,
  RawClient,
  responseHead,
  type ServerSide,
  TestServer,
  uint32,
} from './fixture.ts';
import { Flag, PREFACE } from './frames.ts';

/** Frames that mostly mean something, on a few streams. */
const bytes = (max: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength: max }).map((array) => Buffer.from(array));
const stream = fc.constantFrom(0, 1, 1, 3, 3, 5, 7, 2);
const flags = fc.constantFrom(
  0,
  Flag.END_STREAM,
  Flag.END_HEADERS,
  Flag.END_HEADERS | Flag.END_STREAM,
  Flag.PADDED,
  0xff,
);
const anyFrame = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(stream, flags).map(([id, f]) => frame(1, f & ~Flag.PADDED & ~Flag.PRIORITY, id, block(POST))),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(stream).map(([id]) => frame(1, Flag.END_HEADERS | Flag.END_STREAM, id, block(GET))),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(stream, flags, bytes(40)).map(([id, f, data]) => frame(0, f & ~Flag.PADDED, id, data)),
  },
  { weight: 2, arbitrary: fc.tuple(stream, fc.nat(200_000)).map(([id, n]) => frame(8, 0, id, uint32(n + 1))) },
  { weight: 2, arbitrary: stream.map((id) => frame(3, 0, id, uint32(8))) },
  { weight: 1, arbitrary: fc.nat(70_000).map((n) => frame(4, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(n)]))) },
  { weight: 1, arbitrary: fc.constant(frame(6, 0, 0, Buffer.alloc(8))) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.nat(12), flags, stream, bytes(20)).map(([type, f, id, data]) => frame(type, f, id, data)),
  },
);

describe('Http2ServerCodec', () => {
  let server: TestServer;
  let port = 0;
  /** What the engine does at each event, from the run's own list of choices. */
  let choices: readonly number[] = [];
  let step = 0;

  function act({ writer }: Exchange): void {
    const trailers = new HeaderMap();
    trailers.fields.push('x', 'y');
    switch ((choices[step++ % choices.length] as number) % 10) {
      case 0:
        writer.writeHead(responseHead(200), false);
        break;
      case 1:
        writer.writeHead(responseHead(204), true);
        break;
      case 2:
        writer.writeData(Buffer.alloc(70_000), false, false);
        break;
      case 3:
        writer.writeData(Buffer.from('end'), true, true);
        break;
      case 4:
        writer.writeTrailers(trailers);
        break;
      case 5:
        writer.reset();
        break;
      case 6:
        writer.pauseRequest();
        break;
      case 7:
        writer.resumeRequest();
        break;
      case 8:
        writer.writeInterim(responseHead(103));
        break;
      default:
        writer.flush();
    }
  }

  beforeAll(async () => {
    server = new TestServer({ initialStreamWindowBytes: 65_535 }, act);
    port = await server.listen();
  });
  afterAll(() => server.close());

  /** Nothing is counted that is not there, and every stream is told of its end once. */
  function check(side: ServerSide): void {
    expect(side.stats.streams_active.value).toBe(0);
    expect(side.stats.pending_send_bytes.value).toBe(0);
    expect(side.codec.stalls).toBe(0);
    expect(side.codec.activeStreams).toBe(0);
    expect(side.ended).toBe(side.exchanges.length + side.withdrawn);
  }

  it('feed survives any frames, whatever the engine does meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyFrame, { minLength: 1, maxLength: 40 }),
        fc.array(fc.nat(1000), { minLength: 1, maxLength: 30 }),
        fc.nat(60),
        async (frames, chosen, cut) => {
          choices = chosen;
          step = 0;
          const client = await RawClient.connect(port, false);
          await client.frame(4);
          const { side } = server;
          const input = Buffer.concat([PREFACE, frame(4, 0, 0), ...frames]);
          for (let at = 0; at < input.length; at += cut + 1) side.codec.feed(input.subarray(at, at + cut + 1), false);
          await new Promise((resolve) => setImmediate(resolve));
          side.connection.destroy();
          await client.end();
          await new Promise((resolve) => setImmediate(resolve));
          check(side);
          client.socket.destroy();
        },
      ),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 150) },
    );
  });
});
