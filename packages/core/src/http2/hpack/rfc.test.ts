/** The examples of RFC 7541 appendix C, and blocks made by another implementation. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { HpackDecoder } from './decoder.ts';
import { decodeBlock, type Field, fromHex } from './fixture.ts';

/** Blocks of one connection: hex → fields. */
interface Example {
  readonly title: string;
  readonly maxTableBytes: number;
  readonly blocks: readonly (readonly [hex: string, fields: string])[];
  /** Sum of the sizes of the entries that are left. */
  readonly tableBytes: number;
}

const REQUEST_FIELDS = [
  ':method GET|:scheme http|:path /|:authority www.example.com',
  ':method GET|:scheme http|:path /|:authority www.example.com|cache-control no-cache',
  ':method GET|:scheme https|:path /index.html|:authority www.example.com|custom-key custom-value',
] as const;
const RESPONSE_FIELDS = [
  ':status 302|cache-control private|date Mon, 21 Oct 2013 20:13:21 GMT|location https://www.example.com',
  ':status 307|cache-control private|date Mon, 21 Oct 2013 20:13:21 GMT|location https://www.example.com',
  ':status 200|cache-control private|date Mon, 21 Oct 2013 20:13:22 GMT|location https://www.example.com|' +
    'content-encoding gzip|set-cookie foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
] as const;

const EXAMPLES: readonly Example[] = [
  {
    title: 'C.2.1 literal with indexing',
    maxTableBytes: 4096,
    blocks: [['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', 'custom-key custom-header']],
    tableBytes: 55,
  },
  {
    title: 'C.2.2 literal without indexing',
    maxTableBytes: 4096,
    blocks: [['040c 2f73 616d 706c 652f 7061 7468', ':path /sample/path']],
    tableBytes: 0,
  },
  {
    title: 'C.2.3 literal never indexed',
    maxTableBytes: 4096,
    blocks: [['1008 7061 7373 776f 7264 0673 6563 7265 74', 'password secret']],
    tableBytes: 0,
  },
  { title: 'C.2.4 indexed', maxTableBytes: 4096, blocks: [['82', ':method GET']], tableBytes: 0 },
  {
    title: 'C.3 requests, plain',
    maxTableBytes: 4096,
    blocks: [
      ['8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d', REQUEST_FIELDS[0]],
      ['8286 84be 5808 6e6f 2d63 6163 6865', REQUEST_FIELDS[1]],
      ['8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65', REQUEST_FIELDS[2]],
    ],
    tableBytes: 164,
  },
  {
    title: 'C.4 requests, Huffman',
    maxTableBytes: 4096,
    blocks: [
      ['8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff', REQUEST_FIELDS[0]],
      ['8286 84be 5886 a8eb 1064 9cbf', REQUEST_FIELDS[1]],
      ['8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf', REQUEST_FIELDS[2]],
    ],
    tableBytes: 164,
  },
  {
    title: 'C.5 responses, plain, with evictions',
    maxTableBytes: 256,
    blocks: [
      [
        '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d' +
          '546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        RESPONSE_FIELDS[0],
      ],
      ['4803 3330 37c1 c0bf', RESPONSE_FIELDS[1]],
      [
        '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f' +
          '6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630' +
          '303b 2076 6572 7369 6f6e 3d31',
        RESPONSE_FIELDS[2],
      ],
    ],
    tableBytes: 215,
  },
  {
    title: 'C.6 responses, Huffman, with evictions',
    maxTableBytes: 256,
    blocks: [
      [
        '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7' +
          '8f0b 97c8 e9ae 82ae 43d3',
        RESPONSE_FIELDS[0],
      ],
      ['4883 640e ffc1 c0bf', RESPONSE_FIELDS[1]],
      [
        '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335' +
          'dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
        RESPONSE_FIELDS[2],
      ],
    ],
    tableBytes: 215,
  },
];

it.each(EXAMPLES)('HpackDecoder decodes RFC 7541 $title', ({ maxTableBytes, blocks, tableBytes }) => {
  const decoder = new HpackDecoder(4096);
  // The examples begin with a table of that size: a size update to 256.
  if (maxTableBytes === 256) decodeBlock(decoder, fromHex('3fe101'));
  for (const [hex, fields] of blocks) {
    const expected = fields
      .split('|')
      .map((each) => [each.slice(0, each.indexOf(' ')), each.slice(each.indexOf(' ') + 1)]);
    expect(decodeBlock(decoder, fromHex(hex)).fields).toEqual(expected);
  }
  expect(decoder.tableBytes).toBe(tableBytes);
});

/** Made with the Python package `hpack` 4.2. */
const vectors = JSON.parse(readFileSync(new URL('./fixtures/python-hpack.json', import.meta.url), 'utf8')) as {
  title: string;
  blocks: { hex: string; fields: Field[] }[];
}[];

it.each(vectors)('HpackDecoder decodes what another encoder made: $title', ({ blocks }) => {
  const decoder = new HpackDecoder(4096);
  for (const { hex, fields } of blocks) expect(decodeBlock(decoder, fromHex(hex)).fields).toEqual(fields);
});
