/** What a connection manager answers by itself, and how its connection goes on. */
import { describe, expect, it } from 'vitest';
import type { HttpFilter } from '../api/http-filter.ts';
import type { TerminalStream } from '../api/http-stream.ts';
import { localReplyConfig } from '../config/local-reply.ts';
import { TestClient } from './fixtures/client.ts';
import { LocalReplyMapper } from './local-reply-mapper.ts';

describe('a request that is wrong', () => {
  it.each([
    ['a fragment', 'GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n', '400 Bad Request'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', '400 Bad Request'],
    ['a path that cannot be normalised', 'GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n', '400 Bad Request'],
  ])('%s is answered, and the connection closed unless told otherwise', (_case, text, status) => {
    const strict = new TestClient({ normalize_path: true });
    strict.send(text);
    expect(strict.take()).toMatch(new RegExp(`^HTTP/1\\.1 ${status}\r\n[^]*connection: close\r\n`));
    expect(strict.socket.ended).toBe(true);
    const lenient = new TestClient({ normalize_path: true, stream_error_on_invalid_http_message: true });
    lenient.send(text);
    expect(lenient.take()).toContain(status);
    expect(lenient.socket.ended).toBe(false);
  });

  it("the HTTP/1 option comes before the manager's", () => {
    const http1 = { override_stream_error_on_invalid_http_message: false };
    const client = new TestClient({ stream_error_on_invalid_http_message: true, http_protocol_options: http1 });
    client.get('/a#b');
    expect(client.socket.ended).toBe(true);
  });

  it('an absolute URL that is not understood is no path; the asterisk of OPTIONS is one', () => {
    const client = new TestClient({ http_protocol_options: { allow_absolute_url: false } });
    client.send('GET http://a/ HTTP/1.1\r\nHost: h\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n');
    const answers = client.take();
    expect(answers).toContain('404 Not Found');
    expect(answers).toContain('200 OK');
  });
});

describe('local_reply_config', () => {
  const config = localReplyConfig.parse({
    mappers: [
      {
        filter: { status_code_filter: { comparison: { op: 'GE', value: { default_value: 400, runtime_key: 'k' } } } },
        status_code: 520,
        headers_to_add: [{ header: { key: 'x-why', value: '%RESPONSE_CODE_DETAILS%' } }],
      },
    ],
    body_format: { text_format: '%LOCAL_REPLY_BODY%|%REQ(:path)%' },
  });
  const context = { localReply: new LocalReplyMapper(config as never, () => Buffer.alloc(0)) };

  it.each([
    [
      'of the codec',
      'GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: x\r\n\r\n',
      'http1.invalid_transfer_encoding',
      'Not Implemented|-',
    ],
    ['of a head that is too late', 'GET / HTTP/1.1\r\n', 'request_header_timeout', 'request header timeout|-'],
    ['of the path', 'GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n', 'path_normalization_failed', '|/a#b'],
  ])('changes replies %s', (_case, text, details, body) => {
    const client = new TestClient({ request_headers_timeout: '1s' }, { context });
    client.send(text);
    client.advance(2000);
    const answer = client.take();
    expect(answer).toMatch(/^HTTP\/1\.1 520 /);
    expect(answer).toContain(`x-why: ${details}\r\n`);
    expect(answer.endsWith(body)).toBe(true);
  });
});

describe('Stream.recreate on a connection', () => {
  it('hands what happens to the client to the new run', () => {
    const ended: string[] = [];
    const terminal: HttpFilter<never, TerminalStream> = {
      onRequestHeaders(head, stream) {
        if (head.path !== '/') return;
        head.path = '/again';
        stream.recreate(undefined, undefined);
      },
      onComplete: (stream) => void ended.push(`${stream.requestHeaders.path} ${stream.info.details}`),
    };
    const client = new TestClient({}, { terminal });
    client.get();
    expect(client.counter('downstream_rq_total')).toBe(2);
    client.socket.emit('close', false);
    expect(ended).toEqual(['/again ', '/again downstream_remote_disconnect']);
  });
});

describe('names of response fields', () => {
  it.each([
    [{}, 'content-type: text/plain'],
    [{ header_key_format: { proper_case_words: {} } }, 'Content-Type: text/plain'],
  ])('%j gives %s', (options, line) => {
    const client = new TestClient({ http_protocol_options: options });
    client.get();
    expect(client.take()).toContain(`\r\n${line}\r\n`);
  });
});
