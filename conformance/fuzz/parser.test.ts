import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkedDecoder } from '../../packages/core/src/http1/chunked.ts';
import { ClientRig, ServerRig } from '../../packages/core/src/http1/fixture.ts';
import { FAILED, HeadParser, NEED_MORE, Section } from '../../packages/core/src/http1/head-parser.ts';
import { DEFAULT_HTTP1_OPTIONS } from '../../packages/core/src/http1/options.ts';
import { requestCases } from '../wire/cases.ts';
import { hostileText, sizes } from './mutate.ts';
import { runs, seed, timeoutMs } from './runs.ts';

const options = (quick: number) => ({ seed, numRuns: runs(quick) });
const OPTIONS = { ...DEFAULT_HTTP1_OPTIONS, enableTrailers: true };

/** Calls `take` for each piece of `text`. */
function inPieces(text: string, pieceSizes: readonly number[], take: (piece: string) => void): void {
  for (let at = 0, i = 0; at < text.length; i++) {
    const size = pieceSizes[i % pieceSizes.length] ?? text.length;
    take(text.slice(at, at + size));
    at += size;
  }
}

/** Everything that can be seen of a server codec that was fed with `text`. */
function serve(text: string, pieceSizes: readonly number[] = []) {
  const rig = new ServerRig(OPTIONS);
  inPieces(text, pieceSizes, (piece) => rig.feed(piece));
  const requests = rig.requests.map(({ head, body, trailers, ended }) => ({
    line: [head?.method, head?.path, head?.authority, head?.scheme, head?.minor, head?.close],
    fields: [...(head?.fields ?? [])],
    body,
    trailers,
    ended,
  }));
  return { requests, errors: rig.errors, ends: rig.ends, output: rig.socket.take() };
}

const whole = (text: string) => serve(text).requests.filter((request) => request.ended);

/** Corpus requests that are served and keep the connection open. */
const SERVED = requestCases
  .map((c) => c.raw)
  .filter((raw) => raw.length < 3000)
  .filter((raw) => {
    const { requests, errors, ends } = serve(raw);
    const complete = requests.length > 0 && requests.every((request) => request.ended);
    return (
      errors.length === 0 &&
      complete &&
      ends.every((closing) => !closing) &&
      serve(`${raw}x`).ends.length === ends.length
    );
  });
const served = fc.constantFrom(...SERVED);

describe('parser fuzz', () => {
  it('has requests of the corpus to start from', () => {
    expect(SERVED.length).toBeGreaterThan(60);
  });

  it(
    'the server codec never throws, and does work in proportion to its input',
    () => {
      fc.assert(
        fc.property(hostileText, sizes, (text, pieceSizes) => {
          const rig = new ServerRig(OPTIONS);
          let pieces = 0;
          inPieces(text, pieceSizes, (piece) => {
            pieces++;
            rig.feed(piece);
          });
          const batches = rig.requests.reduce((sum, request) => sum + request.batches, 0);
          expect(batches).toBeLessThanOrEqual(pieces);
          expect(rig.requests.length).toBeLessThanOrEqual(text.length / 16 + 1);
          expect(rig.errors.length).toBeLessThanOrEqual(1);
          expect(rig.requests.filter((request) => !request.ended).length).toBeLessThanOrEqual(1);
        }),
        options(4000),
      );
    },
    timeoutMs,
  );

  it(
    'split invariance: the cut of the input changes nothing',
    () => {
      fc.assert(
        fc.property(hostileText, sizes, (text, pieceSizes) => {
          expect(serve(text, pieceSizes)).toEqual(serve(text));
        }),
        options(4000),
      );
    },
    timeoutMs,
  );

  it(
    'prefix rule: no strict prefix of a request completes it',
    () => {
      fc.assert(
        fc.property(served, (raw) => {
          const total = whole(raw).length;
          expect(whole(raw.slice(0, -1)).length).toBeLessThan(total);
          for (let cut = 0; cut < raw.length; cut++) {
            expect(whole(raw.slice(0, cut)).length).toBeLessThan(total);
            expect(serve(raw.slice(0, cut)).errors).toEqual([]);
          }
        }),
        options(60),
      );
    },
    timeoutMs,
  );

  it(
    'concatenation rule: one connection or two, the requests are the same',
    () => {
      fc.assert(
        fc.property(served, served, sizes, (a, b, pieceSizes) => {
          const together = serve(a + b, pieceSizes);
          const [first, second] = [serve(a), serve(b)];
          expect(together.requests).toEqual([...first.requests, ...second.requests]);
          expect(together.output).toBe(first.output + second.output);
        }),
        options(1500),
      );
    },
    timeoutMs,
  );

  it(
    'idempotent re-encode: what is written reads back as the same request',
    () => {
      fc.assert(
        fc.property(fc.oneof(served, hostileText), (raw) => {
          const rig = new ServerRig(OPTIONS);
          rig.feed(raw);
          // A request without a host never goes upstream.
          const hosted = rig.requests.filter(
            ({ ended, head }) => ended && head?.method !== 'CONNECT' && head?.authority !== '',
          );
          for (const request of hosted) {
            const once = encode(request);
            const [again, ...others] = whole(once);
            expect(others).toEqual([]);
            expect(again?.body).toBe(request.body);
            expect(byName(again?.fields ?? [])).toEqual(expectedFields(request));
            expect(again?.line.slice(0, 3)).toEqual([
              request.head?.method,
              request.head?.path,
              request.head?.authority,
            ]);
            const second = new ServerRig(OPTIONS);
            second.feed(once);
            expect(encode(second.requests[0] as Recorded)).toBe(once);
          }
        }),
        options(2500),
      );
    },
    timeoutMs,
  );

  it(
    'NUL in a head, a chunk line or trailers is refused wherever it stands',
    () => {
      for (const raw of SERVED) {
        for (let at = 0; at <= raw.length; at++) {
          if (inBody(raw, at)) continue;
          const text = `${raw.slice(0, at)}\0${raw.slice(at)}`;
          const { requests, errors } = serve(text);
          const before = whole(raw.slice(0, at)).length;
          expect(requests.filter((request) => request.ended).length, JSON.stringify(text)).toBe(before);
          expect(errors.length, JSON.stringify(text)).toBe(1);
        }
      }
    },
    timeoutMs,
  );

  it.each(['\r', '\n', '\r\n', '\n\r', '\r\n ', '\r\n\t'])(
    '%j inserted anywhere never comes out in a name or a value',
    (inserted) => {
      for (const raw of SERVED) {
        for (let at = 0; at <= raw.length; at++) {
          const { requests } = serve(raw.slice(0, at) + inserted + raw.slice(at));
          for (const { line, fields, trailers } of requests) {
            const texts = [...line.slice(0, 3), ...fields, ...(trailers ?? []).flat()].join('|');
            expect(/[\r\n]/.test(texts), JSON.stringify(raw.slice(0, at))).toBe(false);
          }
        }
      }
    },
    timeoutMs,
  );
});

type Recorded = ServerRig['requests'][number];

/** The request as the client codec writes it. */
function encode({ head, body }: Recorded): string {
  if (head === undefined) throw new Error('no head');
  const rig = new ClientRig(OPTIONS);
  const bytes = Buffer.from(body, 'latin1');
  const bodiless = bytes.length === 0 && head.framing === 0;
  rig.codec.attach(
    {
      onHead() {},
      onData() {},
      onTrailers() {},
      onBatchEnd() {},
      onInterim() {},
      onReset() {},
      onWritable() {},
    },
    false,
  );
  rig.codec.writeHead(head, bodiless);
  if (!bodiless) rig.codec.writeData(bytes, true, true);
  return rig.socket.take();
}

/** Fields by name; lines of one name keep their order. The codec moves framing fields and TE to the end. */
function byName(fields: readonly string[]): string[][] {
  const lines = fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1] as string]] : []));
  return lines.sort(([a], [b]) => ((a as string) < (b as string) ? -1 : a === b ? 0 : 1));
}

/** Methods that usually have a body get a length on the way. */
function expectedFields({ head, body }: Recorded): string[][] {
  const fields = [...(head?.fields ?? [])];
  const bodiless = head?.framing === 0 && body === '' && !fields.includes('content-length');
  const silent = ['GET', 'HEAD', 'DELETE', 'TRACE', 'OPTIONS'].includes(head?.method ?? '');
  return byName(bodiless && !silent ? [...fields, 'content-length', '0'] : fields);
}

/** True where a byte is body data, for which any value is legal. */
function inBody(raw: string, at: number): boolean {
  const marked = serve(`${raw.slice(0, at)}\x01${raw.slice(at)}`);
  return marked.requests.some((request) => request.body.includes('\x01'));
}

describe('HeadParser fuzz', () => {
  it.each([Section.request, Section.response, Section.trailers])(
    'section %i: progress, bounds and split invariance',
    (section) => {
      const limits = { maxBytes: 400, maxFields: 8 };
      const parse = (text: string, pieceSizes: readonly number[]) => {
        const parser = new HeadParser(section, limits);
        let result: string | undefined;
        let fed = 0;
        inPieces(text, pieceSizes, (piece) => {
          if (result !== undefined) return;
          const end = parser.feed(Buffer.from(piece, 'latin1'), 0);
          if (end === FAILED) result = `failed: ${parser.error.details}`;
          else if (end !== NEED_MORE) result = `end at ${fed + end} with ${parser.fieldCount} fields`;
          fed += piece.length;
          if (result === undefined && fed >= limits.maxBytes) throw new Error('the limit was not kept');
        });
        return result ?? 'need more';
      };
      fc.assert(
        fc.property(hostileText, sizes, (text, pieceSizes) => {
          expect(parse(text, pieceSizes)).toBe(parse(text, []));
        }),
        options(2000),
      );
    },
    timeoutMs,
  );
});

describe('ChunkedDecoder fuzz', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '0',
      '5',
      'A',
      'f',
      ';',
      ';a=b',
      '\r\n',
      '\r',
      '\n',
      'hello',
      '\0',
      ' ',
      '0\r\n',
      '5\r\nhello\r\n',
      '10\r\n0123456789abcdef\r\n',
    ),
    fc.string({ maxLength: 5 }),
  );
  const text = fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(''));

  /** Decodes with a step counter: each call must use bytes, or end. */
  function decode(input: string, pieceSizes: readonly number[]): string {
    const decoder = new ChunkedDecoder();
    let body = '';
    let steps = 0;
    let result: string | undefined;
    let fed = 0;
    inPieces(input, pieceSizes, (part) => {
      const bytes = Buffer.from(part, 'latin1');
      for (let pos = 0; pos < bytes.length && result === undefined; ) {
        if (++steps > input.length + 1) throw new Error('more steps than bytes');
        const next = decoder.next(bytes, pos);
        if (next === FAILED) result = `failed: ${decoder.error.details}`;
        body += bytes.toString('latin1', decoder.dataStart, decoder.dataEnd);
        if (next < 0) break;
        if (next <= pos || next > bytes.length) throw new Error('no progress');
        pos = next;
        if (decoder.done) result = `done at ${fed + pos}`;
      }
      fed += bytes.length;
    });
    return `${result ?? 'need more'} ${JSON.stringify(body)}`;
  }

  it(
    'progress and split invariance',
    () => {
      fc.assert(
        fc.property(text, sizes, (input, pieceSizes) => {
          expect(decode(input, pieceSizes)).toBe(decode(input, []));
        }),
        options(6000),
      );
    },
    timeoutMs,
  );

  it(
    'what was encoded comes out again',
    () => {
      fc.assert(
        fc.property(
          fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 6 }),
          sizes,
          (chunks, pieceSizes) => {
            const data = chunks.map((chunk) => Buffer.from(chunk).toString('latin1'));
            const encoded = `${data.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n`;
            expect(decode(encoded, pieceSizes)).toBe(`done at ${encoded.length} ${JSON.stringify(data.join(''))}`);
          },
        ),
        options(2000),
      );
    },
    timeoutMs,
  );
});
