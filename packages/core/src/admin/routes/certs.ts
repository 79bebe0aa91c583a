/** `/certs`: the certificates that are in use. */
import { isIP } from 'node:net';
import { certificateFacts } from '../../net/tls/certificate.ts';
import { type CertificateEntry, daysLeft } from '../../net/tls/certificate-registry.ts';
import { type AdminRoute, json } from '../route.ts';

/** Reads what the TLS contexts have loaded. */
export const certificateRoutes: readonly AdminRoute[] = [
  {
    path: '/certs',
    help: 'print certs on machine',
    handle(_request, context) {
      const contexts = context.certificates?.() ?? [];
      const now = Date.now();
      const details = (entry: CertificateEntry) => certificateDetails(entry, now);
      const certificates = contexts.map(({ authorities, certificates }) => ({
        ca_cert: authorities.map(details),
        cert_chain: certificates.map(details),
      }));
      return json({ certificates });
    },
  },
];

/** Envoy `CertificateDetails`. */
function certificateDetails({ path, certificate }: CertificateEntry, nowMs: number): object {
  const { serial, altNames, validFromMs, validToMs } = certificateFacts(certificate);
  return {
    path,
    serial_number: serial.toLowerCase(),
    subject_alt_names: [
      ...altNames.flatMap(({ type, value }) => (type === 'DNS' ? [{ dns: value }] : [])),
      ...altNames.flatMap(({ type, value }) => (type === 'URI' ? [{ uri: value }] : [])),
      ...altNames.flatMap(({ type, value }) =>
        type === 'IP_ADDRESS' && isIP(value) !== 0 ? [{ ip_address: value }] : [],
      ),
    ],
    days_until_expiration: String(daysLeft(certificate, nowMs)),
    valid_from: timestamp(validFromMs),
    expiration_time: timestamp(validToMs),
  };
}

/** Whole seconds, as protobuf prints them. */
function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
