/** The JSON form of a request, as `POST /explain` takes it. */
import { didYouMean } from '../config/issues.ts';
import type { HeaderLine } from './explanation.ts';
import { ExplainError, type ExplainRequest, parseRequestLine } from './request.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What each key must hold. */
const KEYS: Readonly<Record<keyof ExplainRequest, 'string' | 'number' | 'boolean' | 'headers' | 'map'>> = {
  url: 'string',
  method: 'string',
  headers: 'headers',
  listener: 'string',
  sourceIp: 'string',
  tls: 'boolean',
  serverName: 'string',
  random: 'number',
  runtime: 'map',
};

/**
 * Reads `{ "url": "http://h/p", "method": "GET", "headers": { "k": "v", "l": ["a", "b"] }, … }`; the keys are those of
 * {@link ExplainRequest}, in camelCase or snake_case. The URL may have the method before it.
 * @throws ExplainError telling what is wrong.
 */
export function parseRequestJson(text: string): ExplainRequest {
  const given = parseObject(text);
  const request: Record<string, unknown> = {};
  for (const [written, value] of Object.entries(given)) {
    const key = written.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (!Object.hasOwn(KEYS, key)) throw new ExplainError(unknownKey(written));
    if (value !== null) request[key] = readValue(key as keyof ExplainRequest, value);
  }
  const { url } = request;
  if (typeof url !== 'string') throw new ExplainError('the key "url" is missing');
  const line = parseRequestLine(url);
  return { method: line.method, ...request, url: line.url } as ExplainRequest;
}

function parseObject(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ExplainError(`the body is not JSON: ${(error as Error).message}`);
  }
  if (!isObject(value)) throw new ExplainError('the body must be a JSON object, e.g. {"url": "http://host/path"}');
  return value;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unknownKey(written: string): string {
  const hint = didYouMean(written, Object.keys(KEYS));
  return `unknown key ${JSON.stringify(written)}${hint === undefined ? '' : ` (${hint})`}`;
}

function readValue(key: keyof ExplainRequest, value: unknown): unknown {
  const kind = KEYS[key];
  if (kind === 'headers') return readHeaders(value);
  if (kind === 'map') return readRuntime(value);
  if (typeof value !== kind) throw new ExplainError(`"${key}" must be a ${kind}`);
  return value;
}

function readHeaders(value: unknown): HeaderLine[] {
  const lines = Array.isArray(value) ? value : isObject(value) ? Object.entries(value).flatMap(fieldLines) : undefined;
  if (lines?.every(isLine) !== true) {
    throw new ExplainError('"headers" must be a map of strings (or lists of strings), or a list of [name, value]');
  }
  return lines;
}

function fieldLines([name, value]: [string, unknown]): unknown[] {
  return Array.isArray(value) ? value.map((one) => [name, one]) : [[name, value]];
}

function isLine(line: unknown): line is HeaderLine {
  return Array.isArray(line) && line.length === 2 && line.every((part) => typeof part === 'string');
}

function readRuntime(value: unknown): Record<string, string> {
  if (!isObject(value)) throw new ExplainError('"runtime" must be a map');
  const texts = Object.entries(value).map(([key, one]) => {
    return [key, typeof one === 'object' ? JSON.stringify(one) : String(one)] as const;
  });
  return Object.fromEntries(texts);
}
