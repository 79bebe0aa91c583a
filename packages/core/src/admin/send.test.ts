import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, expect, it, vi } from 'vitest';
import { Exchange } from './exchange.ts';
import { send } from './send.ts';

afterEach(() => vi.restoreAllMocks());

/** A response to a client that takes everything at once: `drain` comes in the turn of the write, as it does in Node.js. */
class EagerResponse extends EventEmitter {
  destroyed = false;
  headersSent = false;
  shouldKeepAlive = true;
  sendDate = true;
  text = '';
  removeHeader(): void {}
  writeHead(): void {
    this.headersSent = true;
  }
  write(piece: string): boolean {
    this.text += piece;
    process.nextTick(() => this.emit('drain'));
    return false;
  }
  end(piece: Uint8Array | string = ''): void {
    this.text += Buffer.from(piece).toString();
  }
}

/** Sends the pieces and counts the turns of the event loop in which they were made. */
async function turnsOf(pieces: Iterable<string>): Promise<{ turns: number; text: string }> {
  let turn = 0;
  let over = false;
  const count = (): void => {
    turn++;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  const seen = new Set<number>();
  function* noted() {
    for (const piece of pieces) {
      seen.add(turn);
      yield piece;
    }
  }
  const response = new EagerResponse();
  const exchange = new Exchange({ method: 'GET' } as IncomingMessage, response as unknown as ServerResponse);
  await send(exchange, { status: 200, contentType: 'text/plain', body: noted() });
  over = true;
  return { turns: seen.size, text: response.text };
}

it('send lets other work be done between two writes, also when the client takes them at once', async () => {
  const { turns, text } = await turnsOf(Array.from({ length: 20 }, () => 'x'.repeat(64 * 1024)));
  expect(turns).toBe(20);
  expect(text).toHaveLength(20 * 64 * 1024);
});

it.each(['', 'x'])('send makes way after four milliseconds of making pieces: %j', async (piece) => {
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  function* slow() {
    for (let n = 0; n < 100; n++) {
      nowMs++;
      yield piece;
    }
  }
  const { turns, text } = await turnsOf(slow());
  expect(turns).toBe(25);
  expect(text).toBe(piece.repeat(100));
});
