/** Commands that print moments and durations. */
import type { LogSubject } from '../../api/access-log.ts';
import { type Operator, type OperatorSpec, type OperatorTable, plain } from '../operator.ts';
import { compileTimeFormat } from '../time-format.ts';

type Moment = (stream: LogSubject) => number | undefined;

/** `NAME(strftime pattern)`. */
function calendar(wallMs: Moment, local = false): OperatorSpec {
  return {
    params: 'optional',
    length: false,
    make(argument) {
      const print = compileTimeFormat(argument, local);
      return (stream) => {
        const moment = wallMs(stream);
        return moment === undefined ? undefined : print(moment);
      };
    },
  };
}

const started: Moment = ({ info }) => info.startWallMs;
const now: Moment = ({ timers }) => timers.clock.wallMs();
/** A date of the client's certificate. */
function clientCertificate(at: 'validFromMs' | 'validToMs'): Moment {
  return ({ connection }) => connection.peerCertificate?.[at];
}
/** A date of the upstream's certificate. */
function upstreamCertificate(at: 'validFromMs' | 'validToMs'): Moment {
  return ({ info }) => info.upstreamConnection?.tls?.peerCertificate?.[at];
}
/** What is not recorded. */
const never: Moment = () => undefined;

/** 0 means: has not happened. */
function happened(momentMs: number): number | undefined {
  return momentMs > 0 ? momentMs : undefined;
}

/** Envoy's time points, as far as a stream records them (`COMMON_DURATION`). */
const POINTS: Readonly<Record<string, Moment>> = {
  DS_RX_BEG: ({ info }) => info.startMs,
  DS_RX_END: ({ info }) => happened(info.requestCompleteMs),
  US_RX_BEG: ({ info }) => happened(info.upstreamFirstByteMs),
  US_TX_BEG: ({ info }) => happened(info.upstreamTxBeginMs ?? 0),
  US_TX_END: ({ info }) => happened(info.upstreamTxEndMs ?? 0),
  US_RX_END: ({ info }) => happened(info.upstreamRxEndMs ?? 0),
  DS_TX_END: ({ info }) => happened(info.endMs),
};

const UNITS: Readonly<Record<string, number>> = { ms: 1, us: 1000, ns: 1_000_000 };

/** `COMMON_DURATION(START:END:ms|us|ns)`. */
const commonDuration: OperatorSpec = {
  params: 'required',
  length: false,
  make(argument) {
    const [from = '', to = '', precision = 'ms', ...more] = argument.split(':');
    if (!argument.includes(':') || more.length > 0) {
      throw new SyntaxError(`Invalid common duration configuration: ${argument}.`);
    }
    const unit = UNITS[precision];
    if (unit === undefined) throw new SyntaxError(`Invalid common duration precision: ${precision}.`);
    return between(POINTS[from] ?? never, POINTS[to] ?? never, unit);
  },
};

function between(from: Moment, to: Moment, perMs = 1): Operator {
  return (stream) => {
    const start = from(stream);
    const end = to(stream);
    if (start === undefined || end === undefined || end < start) return undefined;
    return Math.floor((end - start) * perMs);
  };
}

function point(name: keyof typeof POINTS): Moment {
  return POINTS[name] as Moment;
}

export const timeOperators: OperatorTable = {
  START_TIME: calendar(started),
  START_TIME_LOCAL: calendar(started, true),
  EMIT_TIME: calendar(now),
  EMIT_TIME_LOCAL: calendar(now, true),
  DOWNSTREAM_PEER_CERT_V_START: calendar(clientCertificate('validFromMs')),
  DOWNSTREAM_PEER_CERT_V_END: calendar(clientCertificate('validToMs')),
  UPSTREAM_PEER_CERT_V_START: calendar(upstreamCertificate('validFromMs')),
  UPSTREAM_PEER_CERT_V_END: calendar(upstreamCertificate('validToMs')),
  DURATION: plain(({ info, timers }) => Math.floor((happened(info.endMs) ?? timers.nowMs()) - info.startMs)),
  REQUEST_DURATION: plain(between(point('DS_RX_BEG'), point('DS_RX_END'))),
  REQUEST_TX_DURATION: plain(between(point('DS_RX_BEG'), point('US_TX_END'))),
  RESPONSE_DURATION: plain(between(point('DS_RX_BEG'), point('US_RX_BEG'))),
  RESPONSE_TX_DURATION: plain(between(point('US_RX_BEG'), point('DS_TX_END'))),
  COMMON_DURATION: commonDuration,
};
