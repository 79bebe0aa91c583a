/**
 * An HTTP/2 upstream on node:http2: `/tiny`, and every other path as a gRPC method that sends its message back.
 *   node upstream-http2.mjs LISTEN_PORT
 */
import http2 from 'node:http2';
import { TINY_BODY } from './scenarios.mjs';

const server = http2.createServer({ settings: { maxConcurrentStreams: 1024 } });

server.on('stream', (stream, headers) => {
  // A load generator resets what it has open when it ends.
  stream.on('error', () => {});
  if (stream.destroyed) return;
  if (headers[':path'] === '/tiny') {
    stream.respond({ ':status': 200, 'content-type': 'text/plain', 'content-length': TINY_BODY.length });
    stream.end(TINY_BODY);
    return;
  }
  /** @type {Buffer[]} */
  const message = [];
  stream.on('data', (chunk) => message.push(chunk));
  stream.on('end', () => {
    if (stream.destroyed) return;
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.concat(message));
  });
});
server.on('sessionError', () => {});
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
