/** Envoy `DownstreamTlsContext` and `UpstreamTlsContext`. */
import type { z } from 'zod';
import { dataSource, readDataSource } from '../data-source.ts';
import { type DeepPartial, fields, type MessageOutput, message, nested, withDefault } from '../message.ts';
import { bool, duration, enumOf, list, only, string, uint32 } from '../proto-json.ts';
import type { Report } from '../schema-type.ts';
import { tlsCertificates } from './certificate.ts';
import { tlsParameters } from './tls-params.ts';
import { validationContext } from './validation-context.ts';

const xds = 'secrets by xDS (SDS) are not built yet';
const providers = 'certificate providers are part of xDS, which is not built yet';

/** Envoy `CommonTlsContext`. */
const commonTlsContext = message(
  {
    tls_params: tlsParameters,
    tls_certificates: tlsCertificates,
    validation_context: validationContext,
    alpn_protocols: list(string()),
  },
  {
    name: 'envoy.extensions.transport_sockets.tls.v3.CommonTlsContext',
    known: {
      ...fields('tls_certificate_sds_secret_configs validation_context_sds_secret_config', xds),
      combined_validation_context: `${xds}; use validation_context`,
      ...fields('tls_certificate_provider_instance tls_certificate_certificate_provider', providers),
      ...fields('tls_certificate_certificate_provider_instance validation_context_certificate_provider', providers),
      validation_context_certificate_provider_instance: providers,
      custom_tls_certificate_selector: 'certificates are selected by their names',
      custom_handshaker: 'handshakes are made by OpenSSL',
      key_log: 'logs of session keys are not built yet',
      read_ahead_buffer_size: 'Node.js reads ahead as it likes',
    },
    oneofs: [
      {
        fields: [
          'validation_context',
          'validation_context_sds_secret_config',
          'combined_validation_context',
          'validation_context_certificate_provider',
          'validation_context_certificate_provider_instance',
        ],
      },
    ],
    check({ alpnProtocols = [] }, report) {
      // As in Envoy the list is joined with commas first, so that "h2,http/1.1" is two protocols.
      const names = alpnNames(alpnProtocols.flatMap((name) => name ?? []));
      const total = names.reduce((sum, name) => sum + 1 + Buffer.byteLength(name), 0);
      if (names.every((name) => name !== '' && Buffer.byteLength(name) < 256) && total < 0x10000) return;
      report({ path: ['alpn_protocols'], message: 'Invalid ALPN protocol string' });
    },
  },
);

/** The protocols of `alpn_protocols`. */
export function alpnNames(entries: readonly string[]): string[] {
  const joined = entries.join(',');
  return joined === '' ? [] : joined.split(',');
}

const sessionTicketKeys = message(
  { keys: list(dataSource, { min: 1 }) },
  {
    name: 'envoy.extensions.transport_sockets.tls.v3.TlsSessionTicketKeys',
    check({ keys = [] }, report) {
      if (keys.length === 0) report({ path: ['keys'], message: 'needs at least 1 item' });
      for (const [index, key] of keys.entries()) {
        const { bytes } = readDataSource(key ?? {});
        if (bytes === undefined || bytes.length === 80) continue;
        const message = `Incorrect TLS session ticket key length. Length ${bytes.length}, expected length 80.`;
        report({ path: ['keys', index], message });
      }
    },
  },
);

const downstreamFields = {
  common_tls_context: nested(commonTlsContext),
  require_client_certificate: withDefault(bool(), false),
  require_sni: withDefault(bool(), false),
  session_ticket_keys: sessionTicketKeys,
  disable_stateless_session_resumption: withDefault(bool(), false),
  disable_stateful_session_resumption: withDefault(bool(), false),
  session_timeout: duration({ belowMs: 4_294_967_296_000 }),
  ocsp_staple_policy: withDefault(
    only(
      enumOf(['LENIENT_STAPLING', 'STRICT_STAPLING', 'MUST_STAPLE']),
      'LENIENT_STAPLING',
      'OCSP stapling is not built yet',
    ),
    'LENIENT_STAPLING',
  ),
  full_scan_certs_on_sni_mismatch: withDefault(bool(), false),
  prefer_client_ciphers: withDefault(bool(), false),
};

/** Envoy `DownstreamTlsContext`. */
export const downstreamTlsContext = message(downstreamFields, {
  name: 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
  known: { session_ticket_keys_sds_secret_config: xds },
  oneofs: [
    {
      fields: ['session_ticket_keys', 'session_ticket_keys_sds_secret_config', 'disable_stateless_session_resumption'],
    },
  ],
  check(context: DeepPartial<MessageOutput<typeof downstreamFields>>, report) {
    const certificates = context.commonTlsContext?.tlsCertificates;
    if (certificates !== undefined && certificates.length > 0) return;
    report({ message: 'No TLS certificates found for server context' });
  },
});

/** Envoy `UpstreamTlsContext`. */
export const upstreamTlsContext = message(
  {
    common_tls_context: nested(commonTlsContext),
    sni: withDefault(string({ pattern: /^[\s\S]{0,255}$/, expected: 'at most 255 bytes' }), ''),
    auto_host_sni: withDefault(bool(), false),
    auto_sni_san_validation: withDefault(bool(), false),
    allow_renegotiation: withDefault(bool(), false),
    max_session_keys: withDefault(uint32(), 1),
    // Deprecated and without effect in Envoy: key usage is always enforced. Here OpenSSL does.
    enforce_rsa_key_usage: bool(),
  },
  {
    name: 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    check: checkUpstream,
  },
);

interface UpstreamParts {
  readonly commonTlsContext?:
    | { readonly tlsCertificates?: readonly unknown[] | undefined; readonly validationContext?: unknown }
    | undefined;
  readonly sni?: string | undefined;
  readonly autoSniSanValidation?: boolean | undefined;
}

function checkUpstream({ commonTlsContext: common, sni, autoSniSanValidation }: UpstreamParts, report: Report): void {
  if (sni?.includes('\0')) report({ path: ['sni'], message: 'SNI names containing NULL-byte are not allowed' });
  if ((common?.tlsCertificates?.length ?? 0) > 1) {
    const path = ['common_tls_context', 'tls_certificates', 1];
    report({ path, message: 'Multiple TLS certificates are not supported for client contexts' });
  }
  if (autoSniSanValidation && common?.validationContext === undefined) {
    const message = "'auto_sni_san_validation' was configured without a validation context";
    report({ path: ['auto_sni_san_validation'], message });
  }
}

/** TLS of a filter chain. */
export type DownstreamTlsContext = z.output<typeof downstreamTlsContext>;
/** TLS of a cluster. */
export type UpstreamTlsContext = z.output<typeof upstreamTlsContext>;
/** What both share. */
export type CommonTlsContext = z.output<typeof commonTlsContext>;
