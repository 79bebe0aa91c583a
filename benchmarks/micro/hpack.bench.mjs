/**
 * What header compression costs per message, on a connection that has seen such messages before: less than 1.5 µs for
 * ten fields each way. A fresh connection, where every field is literal, is there to compare.
 *   node benchmarks/micro/run.mjs hpack                 (the built package)
 *   node --import tsx benchmarks/micro/run.mjs hpack    (the source)
 */
import { loadEngine } from './core.mjs';

/** Most nanoseconds for a head on a warm connection. */
const MOST_NS = 1500;
/** Heads per task run: one takes less than the clock can tell. */
const HEADS = 100;
const TABLE_BYTES = 4096;

/** Ten fields each; the id and the path are new each time. */
const request = (i) => [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'shop.example.com'],
  [':path', `/api/items/${i}?page=2`],
  ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'],
  ['accept', 'application/json'],
  ['accept-encoding', 'gzip, deflate, br'],
  ['accept-language', 'en-GB,en;q=0.8'],
  ['x-forwarded-proto', 'https'],
  ['x-request-id', `${String(i).padStart(8, '0')}-7d3a-4f04-9a5b-6f2f0c6d1e11`],
];
const response = (i) => [
  [':status', '200'],
  ['content-type', 'application/json'],
  ['content-length', String(1000 + i)],
  ['cache-control', 'no-store'],
  ['vary', 'accept-encoding'],
  ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
  ['server', 'envoy'],
  ['x-content-type-options', 'nosniff'],
  ['etag', `"${i}-5f2f0c6d"`],
  ['x-envoy-upstream-service-time', String(i % 40)],
];

/** @param {import('tinybench').Bench} bench @returns {Promise<string | undefined>} why it cannot run */
export async function register(bench) {
  const engine = await loadEngine();
  if (!engine) return 'packages/core is not built; or run it with --import tsx';
  if (typeof engine.HpackDecoder !== 'function') return '@mesh/core/engine does not export HpackDecoder';
  for (const [title, head] of Object.entries({ request, response })) {
    addEncode(bench, engine, title, head);
    addDecode(bench, engine, title, head);
    addPeer(bench, engine, title, head);
  }
  return undefined;
}

/** @param {import('tinybench').Bench} bench @returns {string | undefined} what is too slow */
export function check(bench) {
  for (const task of bench.tasks) {
    const result = task.result;
    if (task.name.includes('warm') && result && 'latency' in result) {
      const ns = (result.latency.p50 * 1e6) / HEADS;
      console.log(`${task.name}: ${ns.toFixed(0)} ns per head`);
      if (ns > MOST_NS) return `${task.name} takes ${ns.toFixed(0)} ns per head, more than ${MOST_NS}`;
    }
  }
  return undefined;
}

const headsOf = (head) => Array.from({ length: HEADS }, (_, i) => head(i));

function write(encoder, out, fields) {
  out.reset();
  encoder.begin(out);
  for (let i = 0; i < fields.length; i++) encoder.field(out, fields[i][0], fields[i][1]);
}

function addEncode(bench, { HpackEncoder, BlockWriter }, title, head) {
  const heads = headsOf(head);
  const encoder = new HpackEncoder(TABLE_BYTES);
  const out = new BlockWriter();
  bench.add(`encode ${HEADS} × ${title}, warm`, () => {
    for (const fields of heads) write(encoder, out, fields);
  });
}

/** Blocks of our own encoder: what varies is literal without indexing, not Huffman coded. */
function addDecode(bench, { HpackDecoder, HpackEncoder, BlockWriter }, title, head) {
  const encoder = new HpackEncoder(TABLE_BYTES);
  const out = new BlockWriter();
  const blocks = headsOf(head).map((fields) => {
    write(encoder, out, fields);
    return Buffer.from(out.bytes.subarray(0, out.length));
  });
  const decoder = new HpackDecoder(TABLE_BYTES);
  const sink = sinkOf();
  // The first has the entries that the others refer to.
  decoder.decode(blocks[0], 0, blocks[0].length, sink);
  blocks[0] = blocks[1];
  bench.add(`decode ${HEADS} × ${title}, warm`, () => {
    for (const block of blocks) decoder.decode(block, 0, block.length, sink);
  });
}

/** Every field new and Huffman coded, as in the first message of a connection. */
function addPeer(bench, { HpackDecoder, HpackEncoder, BlockWriter }, title, head) {
  const out = new BlockWriter();
  write(new HpackEncoder(TABLE_BYTES), out, head(0));
  const block = Buffer.from(out.bytes.subarray(0, out.length));
  const sink = sinkOf();
  bench.add(`decode ${HEADS} × ${title}, first of a connection`, () => {
    for (let i = 0; i < HEADS; i++) new HpackDecoder(TABLE_BYTES).decode(block, 0, block.length, sink);
  });
}

function sinkOf() {
  return {
    full: false,
    bytes: 0,
    field(_name, _value, size) {
      this.bytes += size;
    },
  };
}
