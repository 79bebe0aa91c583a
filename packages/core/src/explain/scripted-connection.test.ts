import { describe, expect, it } from 'vitest';
import { ScriptedConnection } from './scripted-connection.ts';

const response = (...parts: (string | Buffer)[]) => {
  const connection = new ScriptedConnection();
  for (const part of parts) {
    if (typeof part === 'string') connection.addText(part);
    else connection.addBytes(part);
  }
  return connection.response();
};

describe('ScriptedConnection response', () => {
  it('has status, fields in lower case and body', () => {
    expect(response('HTTP/1.1 404 Not Found\r\nX-A: b\r\ncontent-length: 3\r\n\r\n', Buffer.from('ä!'))).toEqual({
      status: 404,
      headers: [
        ['x-a', 'b'],
        ['content-length', '3'],
      ],
      body: 'ä!',
    });
  });

  it('joins chunks', () => {
    const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
    expect(response(head, '3\r\nabc\r\n', 'a\r\n0123456789\r\n0\r\n\r\n').body).toBe('abc0123456789');
  });

  it('leaves out interim heads', () => {
    expect(response('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n').status).toBe(204);
  });

  it('is 0 when nothing was written', () => {
    expect(response()).toEqual({ status: 0, headers: [], body: '' });
  });
});
