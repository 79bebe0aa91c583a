/** Asks an admin server, and writes down what may be compared. */
import { connect } from 'node:net';
import { type Masks, normalizeBody } from './normalize.ts';
import type { Question } from './questions.ts';

/** An answer. */
export interface AdminAnswer {
  readonly status: string;
  /** Fields of the head, but for the date and the framing. */
  readonly headers: readonly string[];
  /** JSON as data; lines of a listing; anything else as it is. */
  readonly body: unknown;
}

/** Asks one question. */
export async function ask(question: Question, port: number, masks: Masks): Promise<AdminAnswer> {
  const answer = await exchange(port, question.raw ?? written(question));
  const end = answer.indexOf('\r\n\r\n');
  const [status = '', ...headers] = answer.slice(0, end).split('\r\n');
  const chunked = headers.some((line) => /^transfer-encoding: chunked/i.test(line));
  const rest = answer.slice(end + 4);
  const body = chunked ? dechunked(rest) : rest;
  const compared = headers.filter((line) => !/^(date|content-length|transfer-encoding):/i.test(line));
  return { status, headers: [...new Set(compared)].sort(), body: normalizeBody(question, body, masks) };
}

function written({ ask: asked = '', body }: Question): string {
  const [, method = 'GET', target = ''] = /^(?:([A-Z]+) )?(.*)$/.exec(asked) ?? [];
  const form = body === undefined ? '' : 'content-type: application/x-www-form-urlencoded\r\n';
  const length = method === 'GET' ? '' : `content-length: ${body?.length ?? 0}\r\n`;
  return `${method} ${target} HTTP/1.1\r\nhost: localhost\r\n${form}${length}connection: close\r\n\r\n${body ?? ''}`;
}

function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8');
    socket.setTimeout(5000, () => socket.destroy(new Error(`no end of the answer to ${bytes}`)));
    socket.on('data', (text) => {
      answer += text;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
    socket.write(bytes);
  });
}

/** Answers are ASCII here, so that a chunk's size is its length. */
function dechunked(body: string): string {
  let text = '';
  for (let at = 0; at < body.length; ) {
    const line = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.slice(at, line), 16);
    text += body.slice(line + 2, line + 2 + size);
    at = line + 4 + size;
  }
  return text;
}
