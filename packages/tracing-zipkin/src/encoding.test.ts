import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { head, START_US, TracerTest, V2, type ZipkinInput } from './fixture.ts';
import { problems } from './fixtures/zipkin2-api.ts';

const T = '7ace000000000001';
const H = '4100000000000001';
const S = '5a00000000000001';
const P = '9a00000000000001';
const NASTY = 'a"b\\c\nd\u0000\u007f\u00e9\u{1f600}';

/** A joined server span and a client span below it, with tags and events. */
function pair(config: Partial<ZipkinInput>, node = {}): TracerTest {
  const test = new TracerTest({ ...V2, ...config } as ZipkinInput, node);
  test.runtime.set('tracing.zipkin.min_flush_spans', 2);
  const span = test.start(head({ b3: `${H}${T}-${S}-1-${P}` }));
  span?.setOperation(`op ${NASTY}`);
  span?.setTag('http.method', 'GET');
  span?.setTag(`custom ${NASTY}`, NASTY);
  span?.annotate(START_US + 10, 'last_downstream_rx_byte_received');
  const child = span?.startChild({ operation: 'router up egress', startUs: START_US + 20, kind: 'client' });
  child?.finish(START_US + 30);
  span?.finish(START_US + 40);
  return test;
}

describe('jsonV2', () => {
  test('writes what zipkin2-api.yaml describes', () => {
    const spans = pair({}).last();
    expect(problems(spans)).toEqual([]);
    const localEndpoint = { ipv4: '10.0.0.1', port: 0, serviceName: 'front' };
    expect(spans).toEqual([
      {
        traceId: H + T,
        id: expect.stringMatching(/^[\da-f]{16}$/),
        parentId: S,
        kind: 'CLIENT',
        name: 'router up egress',
        timestamp: START_US + 20,
        duration: 10,
        localEndpoint,
        annotations: [{ timestamp: START_US + 30, value: 'cr' }],
      },
      {
        traceId: H + T,
        id: S,
        parentId: P,
        kind: 'SERVER',
        shared: true,
        name: `op ${NASTY}`,
        timestamp: START_US,
        duration: 40,
        localEndpoint,
        tags: { 'http.method': 'GET', [`custom ${NASTY}`]: NASTY },
        annotations: [
          { timestamp: START_US + 10, value: 'last_downstream_rx_byte_received' },
          { timestamp: START_US + 40, value: 'ss' },
        ],
      },
    ]);
  });

  test('knows IPv6, and a node without a name', () => {
    const spans = pair({}, { localIp: 'fd00::1', cluster: '' }).last();
    expect(problems(spans)).toEqual([]);
    expect(spans[0]).toMatchObject({ localEndpoint: { ipv6: 'fd00::1', port: 0 } });
  });

  test('writes any text as JSON that reads back the same', () => {
    // Surrogates only in pairs: half a character cannot be written in UTF-8.
    const point = fc.oneof(fc.integer({ min: 0, max: 0x7ff }), fc.integer({ min: 0x1f600, max: 0x1f64f }));
    const word = fc.array(point, { minLength: 1, maxLength: 40 }).map((points) => String.fromCodePoint(...points));
    fc.assert(
      fc.property(word, fc.dictionary(word, word), word, (name, tags, event) => {
        fc.pre(!Object.hasOwn(tags, '__proto__'));
        const test = new TracerTest();
        test.runtime.set('tracing.zipkin.min_flush_spans', 1);
        const span = test.tracer.startSpan(head(), { operation: name, startUs: START_US, kind: 'server' }, true);
        for (const [key, value] of Object.entries(tags)) span?.setTag(key, value);
        span?.annotate(START_US, event);
        span?.finish(START_US + 1);
        expect(problems(test.last())).toEqual([]);
        const wanted = Object.keys(tags).length === 0 ? {} : { tags };
        expect(test.last()).toMatchObject([{ name, ...wanted, annotations: [{ value: event }, { value: 'ss' }] }]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('jsonV1', () => {
  test('writes the kinds and times as annotations, and leaves the times of a joined span to its owner', () => {
    const test = pair({ collectorEndpointVersion: 'HTTP_JSON_V1', collectorEndpoint: '/api/v1/spans' });
    const endpoint = { ipv4: '10.0.0.1', port: 0, serviceName: 'front' };
    const note = (offsetUs: number, value: string) => ({ timestamp: START_US + offsetUs, value, endpoint });
    expect(test.last()).toEqual([
      {
        traceId: H + T,
        id: expect.stringMatching(/^[\da-f]{16}$/),
        parentId: S,
        name: 'router up egress',
        timestamp: START_US + 20,
        duration: 10,
        annotations: [note(20, 'cs'), note(30, 'cr')],
        binaryAnnotations: [],
      },
      {
        traceId: H + T,
        id: S,
        parentId: P,
        name: `op ${NASTY}`,
        annotations: [note(0, 'sr'), note(10, 'last_downstream_rx_byte_received'), note(40, 'ss')],
        binaryAnnotations: [
          { key: 'http.method', value: 'GET' },
          { key: `custom ${NASTY}`, value: NASTY },
        ],
      },
    ]);
  });
});

type Message = Record<number, unknown[]>;

/** Any message: its fields by number; what is delimited stays bytes. */
function fields(bytes: Uint8Array): Message {
  const reader = new BinaryReader(bytes);
  const found: Message = {};
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const value =
      type === WireType.Varint
        ? Number(reader.uint64())
        : type === WireType.Bit64
          ? Number(reader.fixed64())
          : reader.bytes();
    (found[number] ??= []).push(value);
  }
  return found;
}
const bytesOf = (value: unknown) => value as Uint8Array;
const hex = (value: unknown) => Buffer.from(bytesOf(value)).toString('hex');
const text = (value: unknown) => Buffer.from(bytesOf(value)).toString();

describe('proto', () => {
  test('writes zipkin.proto3.ListOfSpans', () => {
    const test = pair({ collectorEndpointVersion: 'HTTP_PROTO' });
    expect(test.sent[0]?.request.headers).toEqual([['content-type', 'application/x-protobuf']]);
    const [client, server] =
      fields(test.sent[0]?.request.body as Uint8Array)[1]?.map((each) => fields(bytesOf(each))) ?? [];
    expect(hex(server?.[1]?.[0])).toBe(H + T);
    expect(hex(server?.[2]?.[0])).toBe(P);
    expect(hex(server?.[3]?.[0])).toBe(S);
    expect(server?.[4]).toEqual([2]);
    expect(text(server?.[5]?.[0])).toBe(`op ${NASTY}`);
    expect(server?.[6]).toEqual([START_US]);
    expect(server?.[7]).toEqual([40]);
    const endpoint = fields(bytesOf(server?.[8]?.[0]));
    expect([text(endpoint[1]?.[0]), hex(endpoint[2]?.[0])]).toEqual(['front', '0a000001']);
    expect(
      server?.[10]?.map((each) => fields(bytesOf(each))).map((note) => [note[1]?.[0], text(note[2]?.[0])]),
    ).toEqual([
      [START_US + 10, 'last_downstream_rx_byte_received'],
      [START_US + 40, 'ss'],
    ]);
    expect(
      server?.[11]?.map((each) => fields(bytesOf(each))).map((tag) => [text(tag[1]?.[0]), text(tag[2]?.[0])]),
    ).toEqual([
      ['http.method', 'GET'],
      [`custom ${NASTY}`, NASTY],
    ]);
    expect(server?.[13]).toEqual([1]);
    expect([client?.[4], client?.[13], hex(client?.[2]?.[0])]).toEqual([[1], undefined, S]);
  });

  test.each([
    ['fd00::1', 'fd000000000000000000000000000001'],
    ['::1', '00000000000000000000000000000001'],
    ['fe80::1:2%eth0', 'fe800000000000000000000000010002'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
  ])('writes the address %s', (localIp, expected) => {
    const test = pair({ collectorEndpointVersion: 'HTTP_PROTO' }, { localIp });
    const [span] = fields(test.sent[0]?.request.body as Uint8Array)[1] ?? [];
    expect(hex(fields(bytesOf(fields(bytesOf(span))[8]?.[0]))[3]?.[0])).toBe(expected);
  });

  test('writes texts of every length', () => {
    const lengths = fc.integer({ min: 1, max: 20_000 });
    const shape = fc.tuple(lengths, lengths, fc.constantFrom('a', 'é', '€', '😀'));
    fc.assert(
      fc.property(fc.array(shape, { minLength: 1, maxLength: 4 }), (shapes) => {
        const test = new TracerTest({ ...V2, collectorEndpointVersion: 'HTTP_PROTO' } as ZipkinInput);
        test.runtime.set('tracing.zipkin.min_flush_spans', 1);
        const span = test.start();
        const tags = shapes.map(
          ([name, value, unit], at) => [`${at}${unit.repeat(name)}`, unit.repeat(value)] as const,
        );
        for (const [name, value] of tags) span?.setTag(name, value);
        span?.annotate(START_US, (tags[0] as readonly [string, string])[1]);
        span?.finish(START_US + 3_000_000_000);
        const [sent] = fields(test.sent[0]?.request.body as Uint8Array)[1] ?? [];
        const written = fields(bytesOf(sent));
        const read = written[11]
          ?.map((each) => fields(bytesOf(each)))
          .map((tag) => [text(tag[1]?.[0]), text(tag[2]?.[0])]);
        expect(read).toEqual(tags);
        expect(written[7]).toEqual([3_000_000_000]);
        expect(text(fields(bytesOf(written[10]?.[0]))[2]?.[0])).toBe(tags[0]?.[1]);
      }),
      { numRuns: 20 },
    );
  });
});
