/** `envoy.filters.listener.http_inspector`: which HTTP a cleartext connection begins with. */
import { defineListenerFilter } from '@mesh/core';
import { message } from '@mesh/core/proto';

const config = message({}, { name: 'envoy.extensions.filters.listener.http_inspector.v3.HttpInspector' });

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** A request line that is longer ends the connection. */
const MAX_BYTES = 64 * 1024;

type Verdict = 'more' | 'none' | 'http/1.0' | 'http/1.1' | 'h2c';

const METHOD_SO_FAR = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:$|[ \t])/;
const REQUEST_LINE = /^[^ \t]+[ \t]+[^ \t]+(?:[ \t]+HTTP\/(\d\.\d))?[ \t]*$/;
/** What stands in no request line. */
const FOREIGN = /[^\t\r -~]/;

/** How far a line without its end is looked at: a client that sends it byte by byte is not to cost more and more. */
const MAX_GLANCE = 1024;

/** As in Envoy any version but 1.1 counts as 1.0, and so does a line without one. */
function judge(bytes: Buffer): Verdict {
  const start = bytes.toString('latin1', 0, PREFACE.length);
  if (PREFACE.startsWith(start)) return start.length < PREFACE.length ? 'more' : 'h2c';
  const newline = bytes.indexOf(10);
  const line = bytes.toString('latin1', 0, newline < 0 ? Math.min(bytes.length, MAX_GLANCE) : newline);
  if (!METHOD_SO_FAR.test(line) || FOREIGN.test(line)) return 'none';
  if (newline < 0 || newline >= MAX_BYTES) return 'more';
  const parts = REQUEST_LINE.exec(line.endsWith('\r') ? line.slice(0, -1) : line);
  if (parts === null) return 'none';
  return parts[1] === '1.1' ? 'http/1.1' : 'http/1.0';
}

/**
 * Tells HTTP/1.0, HTTP/1.1 and HTTP/2 with prior knowledge apart, for chains that match on `application_protocols`
 * (`http/1.0`, `http/1.1`, `h2c`). A connection that the tls_inspector found to be TLS is left alone.
 *
 * @example listener({ port: 80, listenerFilters: [httpInspector()], filterChains: [filterChain({ match: { applicationProtocols: ['h2c'] }, … })] })
 */
export const httpInspector = defineListenerFilter({
  name: 'envoy.filters.listener.http_inspector',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector',
  config,
  create(_config, context) {
    const scope = context.stats.scope('http_inspector');
    const found = {
      'http/1.0': scope.counter('http10_found'),
      'http/1.1': scope.counter('http11_found'),
      h2c: scope.counter('http2_found'),
    };
    const notFound = scope.counter('http_not_found');
    const tooLong = scope.counter('read_error');
    return {
      // One more than is judged, so that this filter sees what is too long and counts it.
      maxReadBytes: MAX_BYTES + 1,
      onAccept: ({ transportProtocol }) =>
        transportProtocol === '' || transportProtocol === 'raw_buffer' ? 'more' : 'done',
      onData(bytes, connection) {
        const verdict = judge(bytes);
        if (verdict === 'more') {
          if (bytes.length < MAX_BYTES) return 'more';
          tooLong.inc();
          return 'close';
        }
        if (verdict === 'none') notFound.inc();
        else {
          found[verdict].inc();
          connection.applicationProtocols = [verdict];
        }
        return 'done';
      },
    };
  },
});
