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

const BASE64_FIELDS: ReadonlySet<string> = new Set(['inline_bytes', 'inlineBytes']);
const REDACTED = '[redacted]';
const REDACTED_BASE64 = 'W3JlZGFjdGVkXQ==';

/** A copy in which every value below a sensitive field reads `[redacted]`. */
export function redact(config: JsonObject): JsonObject {
  return mapObject(config, (key, value) => (SENSITIVE.has(key) ? blank(key, value) : walk(value)));
}

function walk(value: Json): Json {
  if (isArray(value)) return value.map(walk);
  return typeof value === 'object' && value !== null ? redact(value) : value;
}

function blank(key: string, value: Json): Json {
  if (isArray(value)) return value.map((item) => blank(key, item));
  if (typeof value === 'object' && value !== null) return mapObject(value, blank);
  if (typeof value !== 'string') return value;
  if (key === '@type') return value;
  return BASE64_FIELDS.has(key) ? REDACTED_BASE64 : REDACTED;
}

function mapObject(object: JsonObject, change: (key: string, value: Json) => Json): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(key, value)]));
}

/** `Array.isArray` does not narrow readonly arrays. */
function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
