import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';
import { directResponseAction, routeConfigurationSchema as inTable } from './route.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'mesh-schemas-'));
const file = (name: string) => path.join(folder, name);
beforeAll(() => {
  writeFileSync(file('small'), 'hello');
  writeFileSync(file('big'), 'x'.repeat(4097));
  writeFileSync(file('binary'), Buffer.from([0xff, 0xfe, 0x00]));
  process.env.MESH_TEST_BODY = 'from the environment';
  process.env.MESH_TEST_EMPTY = '';
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  delete process.env.MESH_TEST_BODY;
  delete process.env.MESH_TEST_EMPTY;
});
function body(source: object): object {
  return { status: 200, body: source };
}

/** How long a body may be is said by the route table. */
function tableWith(source: object, table: object = {}): object {
  const routes = [{ match: { prefix: '/' }, direct_response: body(source) }];
  return { virtual_hosts: [{ name: 'v', domains: ['*'], routes }], ...table };
}

const accepted: readonly Accepted[] = [
  [
    'a table that allows longer bodies',
    inTable,
    () => tableWith({ inline_string: 'x'.repeat(4097) }, { max_direct_response_body_size_bytes: 4097 }),
    {},
  ],
  ['DirectResponseAction', directResponseAction, () => ({ status: 204 }), { status: 204 }],
  ['DirectResponseAction from a file', directResponseAction, () => body({ filename: file('small') }), {}],
  [
    'DirectResponseAction from the environment',
    directResponseAction,
    () => body({ environment_variable: 'MESH_TEST_BODY' }),
    {},
  ],
  [
    'DirectResponseAction from an empty variable',
    directResponseAction,
    () => body({ environment_variable: 'MESH_TEST_EMPTY' }),
    {},
  ],
  ['DirectResponseAction of 4096 bytes', directResponseAction, () => body({ inline_string: 'x'.repeat(4096) }), {}],
];

const refused: readonly Refused[] = [
  ['status', directResponseAction, () => ({ status: 600 }), 'status: expected a whole number from 200 to 599, got 600'],
  [
    'missing file',
    directResponseAction,
    () => body({ filename: '/nonexistent' }),
    'body.filename: file /nonexistent does not exist',
  ],
  [
    'folder',
    directResponseAction,
    () => body({ filename: folder }),
    'body.filename: cannot be read: EISDIR: illegal operation on a directory, read',
  ],
  [
    'missing variable',
    directResponseAction,
    () => body({ environment_variable: 'MESH_TEST_NONE' }),
    "body.environment_variable: Environment variable doesn't exist: MESH_TEST_NONE",
  ],
  [
    'long text',
    inTable,
    () => tableWith({ inline_string: 'x'.repeat(4097) }),
    'virtual_hosts.0.routes.0.direct_response.body.inline_string: response body size is 4097 bytes; maximum is 4096',
  ],
  [
    'long in bytes',
    inTable,
    () => tableWith({ inline_string: 'é'.repeat(2049) }),
    'virtual_hosts.0.routes.0.direct_response.body.inline_string: response body size is 4098 bytes; maximum is 4096',
  ],
  [
    'long file',
    inTable,
    () => tableWith({ filename: file('big') }),
    'virtual_hosts.0.routes.0.direct_response.body.filename: response body size is 4097 bytes; maximum is 4096',
  ],
  [
    'binary file',
    directResponseAction,
    () => body({ filename: file('binary') }),
    'body.filename: the body of a direct response must be UTF-8 text',
  ],
  [
    'binary bytes',
    directResponseAction,
    () => body({ inline_bytes: '//4A' }),
    'body.inline_bytes: the body of a direct response must be UTF-8 text',
  ],
  [
    'no source',
    directResponseAction,
    () => body({}),
    'body: needs one of filename, inline_bytes, inline_string, environment_variable',
  ],
];

describe('dataSource', () => {
  it.each(accepted)('%s: the valid minimum is accepted', (_, schema, value, part) =>
    expectAccepted(schema, value(), part),
  );

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});
