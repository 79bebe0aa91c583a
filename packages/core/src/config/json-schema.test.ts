import { describe, expect, it } from 'vitest';
import { bootstrapSchema } from './bootstrap.ts';
import { bootstrap, registry } from './fixture.ts';
import { configJsonSchema, type JsonSchema } from './json-schema.ts';
import { loadConfigText } from './load.ts';
import { fieldSchema } from './message.ts';
import { camelCase } from './naming.ts';
import { messagesBelow, nodeOf } from './schema-walk.ts';

const schema = configJsonSchema(registry);
const defs = schema.$defs as Readonly<Record<string, JsonSchema>>;

/** Where `value` breaks the schema; knows the keywords that the schema uses and fails on any other. */
function violations(part: JsonSchema, value: unknown, at = '$'): string[] {
  return Object.entries(part).flatMap(([keyword, rule]) => check(keyword, rule as never, value, at, part));
}

function check(keyword: string, rule: never, value: unknown, at: string, part: JsonSchema): string[] {
  const object = value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as object) : undefined;
  const fail = (ok: boolean, what: string) => (ok ? [] : [`${at}: ${what}`]);
  switch (keyword) {
    case '$schema':
    case 'title':
    case 'description':
    case 'examples':
    case 'default':
    case 'contentEncoding':
    case '$defs':
      return [];
    case '$ref':
      return violations(defs[String(rule).replace('#/$defs/', '')] as JsonSchema, value, at);
    case 'type':
      return fail(
        [rule].flat().some((type) => isOf(type, value)),
        `is no ${rule}`,
      );
    case 'const':
      return fail(value === rule, `is not ${rule}`);
    case 'enum':
      return fail((rule as unknown[]).includes(value), `is none of ${rule}`);
    case 'not':
      return fail(violations(rule, value).length > 0, 'matches what it must not');
    case 'pattern':
      return fail(typeof value !== 'string' || new RegExp(rule).test(value), `does not match ${rule}`);
    case 'minLength':
      return fail(typeof value !== 'string' || value.length >= (rule as number), 'is too short');
    case 'minItems':
      return fail(!Array.isArray(value) || value.length >= (rule as number), 'has too few items');
    case 'maxItems':
      return fail(!Array.isArray(value) || value.length <= (rule as number), 'has too many items');
    case 'maxProperties':
      return fail(!object || Object.keys(object).length <= (rule as number), 'has too many properties');
    case 'minimum':
      return fail(typeof value !== 'number' || value >= (rule as number), 'is too small');
    case 'maximum':
      return fail(typeof value !== 'number' || value <= (rule as number), 'is too large');
    case 'anyOf':
      return fail(
        (rule as JsonSchema[]).some((each) => violations(each, value, at).length === 0),
        'matches no choice',
      );
    case 'allOf':
      return (rule as JsonSchema[]).flatMap((each) => violations(each, value, at));
    case 'required':
      return (rule as string[]).flatMap((key) => fail(!object || key in object, `needs ${key}`));
    case 'items':
      return Array.isArray(value) ? value.flatMap((item, index) => violations(rule, item, `${at}[${index}]`)) : [];
    case 'properties':
      return Object.entries(object ?? {}).flatMap(([key, item]) =>
        Object.hasOwn(rule, key) ? violations(rule[key], item, `${at}.${key}`) : [],
      );
    case 'additionalProperties': {
      const known = (part.properties ?? {}) as object;
      const others = Object.entries(object ?? {}).filter(([key]) => !Object.hasOwn(known, key));
      return others.flatMap(([key, item]) =>
        (rule as unknown) === false ? [`${at}: has no ${key}`] : violations(rule, item, `${at}.${key}`),
      );
    }
    case 'propertyNames':
      return [];
    default:
      throw new Error(`the schema uses ${keyword}, which this test does not know`);
  }
}

function isOf(type: unknown, value: unknown): boolean {
  if (type === 'object') return value !== null && typeof value === 'object' && !Array.isArray(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

function data(text: string): unknown {
  return JSON.parse(JSON.stringify(loadConfigText(text, 'c.yaml').data));
}

describe('configJsonSchema', () => {
  it.each([
    ['a whole configuration', bootstrap()],
    [
      'an extension without a type',
      bootstrap({ filters: '{ name: acme.filters.http.gate, typed_config: { max_wait_ms: 1 } }' }),
    ],
    ['camelCase', 'staticResources: { clusters: [{ name: c, connectTimeout: 0.25s }] }'],
    ['numbers as text', 'static_resources: { clusters: [{ name: c, per_connection_buffer_limit_bytes: "5" }] }'],
    ['nothing', '{}'],
  ])('accepts %s', (_, text) => {
    expect(violations(schema, data(text))).toEqual([]);
  });

  it.each([
    ['an unknown field', 'bogus: 1', '$: has no bogus'],
    [
      'an unknown field deep down',
      bootstrap({ clusters: '{ name: c, bogus: 1 }' }),
      '$.static_resources.clusters[0]: has no bogus',
    ],
    ['a known but refused field', 'dynamic_resources: {}', '$: has no dynamic_resources'],
    [
      'a bad enum',
      bootstrap({ clusters: '{ name: c, lb_policy: ORIGINAL_DST_LB }' }),
      '$.static_resources.clusters[0].lb_policy: is none of ROUND_ROBIN',
    ],
    ['a bad duration', 'stats_flush_interval: 5m', '$.stats_flush_interval: does not match'],
    ['a missing field', 'static_resources: { clusters: [{}] }', '$.static_resources.clusters[0]: needs name'],
    [
      'a bad value in typed_config',
      bootstrap({ manager: 'stat_prefix: 5' }),
      '$.static_resources.listeners[0].filter_chains[0].filters[0].typed_config: matches no choice',
    ],
    [
      'an unknown field in typed_config',
      bootstrap({ manager: 'stat_prefix: a\n          bogus: 1' }),
      'typed_config: matches no choice',
    ],
    ['an access log that is none', 'admin: { access_log: [1] }', '$.admin.access_log[0]'],
  ])('refuses %s', (_, text, message) => {
    expect(violations(schema, data(text)).join('\n')).toContain(message);
  });

  it('describes every implemented field of every message, in both spellings', () => {
    const missing = messagesBelow(bootstrapSchema, registry).flatMap(({ name, fields }) => {
      const properties = (defs[name]?.properties ?? {}) as object;
      return Object.keys(fields).flatMap((field) =>
        [field, camelCase(field)].filter((key) => !(key in properties)).map((key) => `${name}.${key}`),
      );
    });
    // Messages that only stand in a `typed_config` are written out there, with their "@type".
    const typed = JSON.stringify(schema);
    expect(missing.filter((path) => !typed.includes(`"${path.split('.').at(-1)}"`))).toEqual([]);
  });

  it('says what scalars may be as the parser does', () => {
    for (const { name, fields } of messagesBelow(bootstrapSchema, registry)) {
      for (const [field, definition] of Object.entries(fields)) {
        const node = nodeOf(fieldSchema(definition));
        if (node.kind !== 'leaf') continue;
        expect(Object.keys(node.info.json).length, `${name}.${field}`).toBeGreaterThan(0);
      }
    }
  });

  it('has no reference that leads nowhere', () => {
    const references = [...JSON.stringify(schema).matchAll(/"#\/\$defs\/([^"]+)"/g)].map(([, name]) => name as string);
    expect(references.length).toBeGreaterThan(50);
    expect(references.filter((name) => defs[name] === undefined)).toEqual([]);
  });
});
