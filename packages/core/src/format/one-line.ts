/** Values within the lines of a log: whatever a client, a certificate or a filter has put in them, a line stays one line. */
import type { Operator } from './operator.ts';

/** Commands whose texts cannot hold control characters: the codecs refuse them in fields, and the rest is made here. */
const PLAIN = new Set([
  'REQ',
  'RESP',
  'TRAILER',
  'REQ_WITHOUT_QUERY',
  'PROTOCOL',
  'START_TIME',
  'RESPONSE_FLAGS',
  'RESPONSE_FLAGS_LONG',
  'UPSTREAM_HOST',
]);

const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;
const CONTROLS = /[\0-\x08\x0a-\x1f\x7f]/g;

/** The operator with its control characters, but tabs, written as `\n`, `\r` and `\xNN`. */
export function oneLine(name: string, operator: Operator): Operator {
  if (PLAIN.has(name)) return operator;
  return (stream, context) => {
    const value = operator(stream, context);
    return typeof value === 'string' && CONTROL.test(value) ? value.replace(CONTROLS, written) : value;
  };
}

function written(char: string): string {
  if (char === '\n') return '\\n';
  if (char === '\r') return '\\r';
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
