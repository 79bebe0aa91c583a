/** The conditions that few routes have, behind one interface. */

import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { RuntimeFraction } from '../api/runtime.ts';
import { isGrpc } from '../headers/grpc.ts';
import { CookieCondition } from './cookie-match.ts';
import { cookieValue } from './cookies.ts';
import type { CookieMatcherSettings, RouteMatchSettings, RuntimeFractionSettings } from './settings.ts';
import { FilterStateCondition, MetadataCondition } from './value-match.ts';

/** One condition. */
export interface RareCondition {
  matches(headers: RequestHeaders, stream: HttpStream): boolean;
  /** What is there, in words, for `explain`. */
  actual(headers: RequestHeaders, stream: HttpStream): string;
}

/** The rare conditions of a route, in the order in which they are asked. @throws SyntaxError for a bad pattern. */
export function rareConditions(match: RouteMatchSettings): readonly RareCondition[] {
  const { runtimeFraction, grpc, tlsContext, dynamicMetadata = [], filterState = [], cookies = [] } = match;
  return [
    ...(runtimeFraction === undefined ? [] : [new FractionCondition(runtimeFraction)]),
    ...(grpc === undefined ? [] : [GRPC]),
    ...cookies.map(cookieCondition),
    ...(tlsContext === undefined ? [] : [tlsCondition(tlsContext)]),
    ...dynamicMetadata.map((each) => onStream(new MetadataCondition(each))),
    ...filterState.map((each) => onStream(new FilterStateCondition(each))),
  ];
}

function cookieCondition(settings: CookieMatcherSettings): RareCondition {
  const condition = new CookieCondition(settings);
  return {
    matches: (headers) => condition.matches(headers),
    actual: (headers) => inWords(cookieValue(headers, condition.name)),
  };
}

function onStream(condition: MetadataCondition | FilterStateCondition): RareCondition {
  return {
    matches: (_headers, stream) => condition.matches(stream),
    actual: (_headers, stream) => inWords(condition.actual(stream)),
  };
}

function inWords(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}

const DENOMINATORS = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;

/** A share of requests in the form in which the runtime is asked. */
function runtimeFraction({ defaultValue, runtimeKey = '' }: RuntimeFractionSettings): RuntimeFraction {
  return { numerator: defaultValue.numerator, denominator: DENOMINATORS[defaultValue.denominator], runtimeKey };
}

/** Envoy `runtime_fraction`. */
class FractionCondition implements RareCondition {
  private readonly fraction: RuntimeFraction;

  constructor(settings: RuntimeFractionSettings) {
    this.fraction = runtimeFraction(settings);
  }

  matches(_headers: RequestHeaders, stream: HttpStream): boolean {
    return stream.runtime.enabled(this.fraction, stream.random);
  }

  actual(_headers: RequestHeaders, { random, runtime }: HttpStream): string {
    const { runtimeKey, denominator } = this.fraction;
    const value = runtimeKey === '' ? undefined : runtime.get(runtimeKey);
    return `${random % denominator} of ${denominator}${value === undefined ? '' : ` (runtime value ${value})`}`;
  }
}

/** Envoy `grpc`: what the content type says. */
const GRPC: RareCondition = {
  matches(headers) {
    return isGrpc(headers.get('content-type'));
  },
  actual: (headers) => `content-type ${inWords(headers.get('content-type'))}`,
};

/** Envoy `tls_context`. */
function tlsCondition({ presented, validated }: NonNullable<RouteMatchSettings['tlsContext']>): RareCondition {
  return {
    matches(_headers, { connection }) {
      if (presented !== undefined && presented !== (connection.peerCertificatePresented ?? false)) return false;
      return validated === undefined || validated === (connection.peerCertificateValidated ?? false);
    },
    actual(_headers, { connection: { peerCertificatePresented = false, peerCertificateValidated = false } }) {
      if (!peerCertificatePresented) return 'no client certificate';
      return peerCertificateValidated ? 'a validated client certificate' : 'a client certificate that is not validated';
    },
  };
}
