/** Blanks what must not leave the process in a config dump: private keys, passwords and secrets. */
import type { Json, JsonObject } from './context.ts';

/** Fields that Envoy's protobufs mark as sensitive, in both spellings of JSON. */
const SENSITIVE: ReadonlySet<string> = new Set([
  'private_key',
  'privateKey',
  'password',
  'pkcs12',
  'session_ticket_keys',
  'sessionTicketKeys',
  'generic_secret',
  'genericSecret',
  'token_secret',
  'tokenSecret',
  'hmac_secret',
  'hmacSecret',
  'inline_users',
]);

const STATIC_RESOURCES: ReadonlySet<string> = new Set(['static_resources', 'staticResources']);

const BASE64_FIELDS: ReadonlySet<string> = new Set(['inline_bytes', 'inlineBytes']);
const REDACTED = '[redacted]';
const REDACTED_BASE64 = 'W3JlZGFjdGVkXQ==';

/** A copy in which every value below a sensitive field reads `[redacted]`. */
export function redact(config: JsonObject): JsonObject {
  return mapObject(config, (key, value) => (SENSITIVE.has(key) ? blank(key, value) : walk(value)));
}

/** The same for a bootstrap, whose static resources are copied one by one while they are printed: they may be many. */
export function redactBootstrap(config: JsonObject): JsonObject {
  return mapObject(config, (key, value) => {
    if (!STATIC_RESOURCES.has(key) || !isObject(value)) return redact({ [key]: value })[key] as Json;
    return mapObject(value, (kind, list) => (isArray(list) && !SENSITIVE.has(kind) ? lazily(list) : walk(list)));
  });
}

/** Iterables stand for lists wherever a dump is printed. */
function lazily(list: readonly Json[]): Json {
  const walked = {
    *[Symbol.iterator]() {
      for (const item of list) yield walk(item);
    },
  };
  return walked as unknown as Json;
}

function walk(value: Json): Json {
  if (isArray(value)) return value.map(walk);
  return isObject(value) ? redact(value) : value;
}

function blank(key: string, value: Json): Json {
  if (isArray(value)) return value.map((item) => blank(key, item));
  if (isObject(value)) return mapObject(value, blank);
  if (typeof value !== 'string') return value;
  if (key === '@type') return value;
  return BASE64_FIELDS.has(key) ? REDACTED_BASE64 : REDACTED;
}

function mapObject(object: JsonObject, change: (key: string, value: Json) => Json): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(key, value)]));
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `Array.isArray` does not narrow readonly arrays. */
function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
