/** Envoy `TlsParameters`: versions, ciphers, groups. */
import type { z } from 'zod';
import {
  CURVES,
  DEFAULT_CIPHERS,
  DEFAULT_CURVES,
  opensslCiphers,
  SIGNATURE_ALGORITHMS,
  unknownCiphers,
} from '../../net/tls/cipher-names.ts';
import type { CommonTlsSettings, TlsVersion } from '../../net/tls/settings.ts';
import { fields, message, notSupported, withDefault } from '../message.ts';
import { enumOf, list, string } from '../proto-json.ts';

const protocol = enumOf(['TLS_AUTO', 'TLSv1_0', 'TLSv1_1', 'TLSv1_2', 'TLSv1_3']);

/** Envoy `TlsParameters`. */
export const tlsParameters = message(
  {
    tls_minimum_protocol_version: withDefault(protocol, 'TLS_AUTO'),
    tls_maximum_protocol_version: withDefault(protocol, 'TLS_AUTO'),
    cipher_suites: list(string()),
    ecdh_curves: list(string()),
    signature_algorithms: list(string()),
  },
  {
    name: 'envoy.extensions.transport_sockets.tls.v3.TlsParameters',
    known: fields('compliance_policies', 'OpenSSL as Node.js brings it is no FIPS module'),
    check({ cipherSuites = [], ecdhCurves = [], signatureAlgorithms = [] }, report) {
      const suites = cipherSuites.flatMap((name) => name ?? []);
      const unknown = unknownCiphers(suites);
      if (unknown.length > 0) {
        const text = `Failed to initialize cipher suites ${suites.join(':')}. The following ciphers were rejected when tried individually: ${unknown.join(', ')}`;
        report({ path: ['cipher_suites'], message: text });
      }
      for (const [index, curve] of ecdhCurves.entries()) {
        if (curve === undefined) continue;
        const path = ['ecdh_curves', index];
        if (!Object.hasOwn(CURVES, curve)) report({ path, message: `Failed to initialize ECDH curves ${curve}` });
        else if (CURVES[curve] === '')
          report({ path, message: `${curve} is ${notSupported('the OpenSSL of Node.js 20 has not got it')}` });
      }
      for (const [index, algorithm] of signatureAlgorithms.entries()) {
        if (algorithm === undefined || SIGNATURE_ALGORITHMS.includes(algorithm)) continue;
        const text = `Failed to initialize TLS signature algorithms ${algorithm}`;
        report({ path: ['signature_algorithms', index], message: text });
      }
    },
  },
);

type TlsParameters = z.output<typeof tlsParameters>;
type Built = Pick<CommonTlsSettings, 'minVersion' | 'maxVersion' | 'ciphers' | 'ecdhCurves' | 'signatureAlgorithms'>;

const VERSIONS: Readonly<Record<TlsParameters['tlsMinimumProtocolVersion'], TlsVersion | undefined>> = {
  TLS_AUTO: undefined,
  TLSv1_0: 'TLSv1',
  TLSv1_1: 'TLSv1.1',
  TLSv1_2: 'TLSv1.2',
  TLSv1_3: 'TLSv1.3',
};

/** The settings of a context; `newest` is the version up to which the direction goes by default. */
export function tlsParameterSettings(params: TlsParameters | undefined, newest: TlsVersion): Built {
  const minVersion = VERSIONS[params?.tlsMinimumProtocolVersion ?? 'TLS_AUTO'] ?? 'TLSv1.2';
  const suites = params?.cipherSuites.length ? params.cipherSuites : DEFAULT_CIPHERS;
  const curves = params?.ecdhCurves.length ? params.ecdhCurves : DEFAULT_CURVES;
  const algorithms = params?.signatureAlgorithms ?? [];
  return {
    minVersion,
    maxVersion: VERSIONS[params?.tlsMaximumProtocolVersion ?? 'TLS_AUTO'] ?? newest,
    ciphers: opensslCiphers(suites, minVersion === 'TLSv1' || minVersion === 'TLSv1.1'),
    ecdhCurves: curves.map((curve) => CURVES[curve] ?? curve).join(':'),
    signatureAlgorithms: algorithms.length > 0 ? algorithms.join(':') : undefined,
  };
}
