/** `envoy.filters.listener.tls_inspector`: server name, protocols and transport of a connection, from its first bytes. */
import { defineListenerFilter, type ListenerAnswer, type ListenerConnection, type StatsScope } from '@mesh/core';
import { bool, message, only, uint32, withDefault } from '@mesh/core/proto';
import { readClientHello } from './client-hello.ts';

const NAME = 'envoy.filters.listener.tls_inspector';
const MAX_HELLO = 16_384;
const fingerprints = 'fingerprints are not built yet';

const config = message(
  {
    enable_ja3_fingerprinting: only(bool(), false, fingerprints),
    enable_ja4_fingerprinting: only(bool(), false, fingerprints),
    // Accepted without effect: Node.js reads what there is.
    initial_read_buffer_size: uint32({ min: 256, max: 65_536 }),
    max_client_hello_size: withDefault(uint32({ min: 256, max: MAX_HELLO }), MAX_HELLO),
    close_connection_on_client_hello_parsing_errors: withDefault(bool(), false),
  },
  { name: 'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector' },
);

function inspectorStats(scope: StatsScope) {
  return {
    alpnFound: scope.counter('alpn_found'),
    alpnNotFound: scope.counter('alpn_not_found'),
    tooLarge: scope.counter('client_hello_too_large'),
    sniFound: scope.counter('sni_found'),
    sniNotFound: scope.counter('sni_not_found'),
    tlsFound: scope.counter('tls_found'),
    tlsNotFound: scope.counter('tls_not_found'),
    bytesProcessed: scope.histogram('bytes_processed'),
  };
}

/**
 * Looks whether a connection begins with a TLS ClientHello, and what it asks for: without it no filter chain is chosen
 * by `server_names`, `transport_protocol: tls` or ALPN. What it has looked at stays where it is.
 *
 * @example listener({ port: 8443, listenerFilters: [tlsInspector()], filterChains: [filterChain({ match: { serverNames: ['a.example'] }, … })] })
 */
export const tlsInspector = defineListenerFilter({
  name: NAME,
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
  config,
  create({ maxClientHelloSize, closeConnectionOnClientHelloParsingErrors: strict }, context) {
    const stats = inspectorStats(context.stats.scope('tls_inspector'));
    const failed = (connection: ListenerConnection, reason: string) =>
      connection.metadata.set(NAME, { failure_reason: reason });

    const notTls = (bytes: Buffer, connection: ListenerConnection): ListenerAnswer => {
      stats.bytesProcessed.record(Math.min(bytes.length, 5));
      stats.tlsNotFound.inc();
      failed(connection, 'ClientHelloNotDetected');
      return strict ? 'close' : 'done';
    };

    return {
      onData(bytes, connection): ListenerAnswer {
        // What is beyond the limit does not help, even when it is there already.
        const hello = readClientHello(bytes.subarray(0, maxClientHelloSize));
        if (hello === 'incomplete') {
          if (bytes.length < maxClientHelloSize) return 'more';
          stats.tooLarge.inc();
          stats.bytesProcessed.record(maxClientHelloSize);
          failed(connection, 'ClientHelloTooLarge');
          return 'close';
        }
        if (hello === 'not tls') return notTls(bytes, connection);
        if (hello === 'version') {
          stats.sniNotFound.inc();
          notTls(bytes, connection);
          return 'close';
        }
        const { serverName, protocols, size } = hello;
        (serverName === '' ? stats.sniNotFound : stats.sniFound).inc();
        (protocols === undefined ? stats.alpnNotFound : stats.alpnFound).inc();
        stats.tlsFound.inc();
        stats.bytesProcessed.record(size);
        connection.transportProtocol = 'tls';
        connection.serverName = serverName;
        if (protocols !== undefined) connection.applicationProtocols = protocols;
        return 'done';
      },
    };
  },
});
