/** Commands that print addresses, whole or in parts. */
import { isIP } from 'node:net';
import type { LogSubject } from '../../api/access-log.ts';
import { type OperatorSpec, type OperatorTable, plain } from '../operator.ts';

interface Address {
  /** Of a unix socket its path. */
  readonly ip: string;
  /** -1 for a unix socket. */
  readonly port: number;
}

type AddressSource = (stream: LogSubject) => Address | undefined;

/** The client's address as the trust rules see it; one out of `x-forwarded-for` has no port. */
const remote: AddressSource = ({ info, connection }) => {
  const { remoteIp, remotePort } = connection;
  const forwarded = info.clientIp !== '' && info.clientIp !== remoteIp;
  return forwarded ? { ip: info.clientIp, port: 0 } : { ip: remoteIp, port: remotePort };
};
/** The socket's own; of one behind PROXY protocol the port is not known. */
const directRemote: AddressSource = ({ connection: { directRemoteIp, remoteIp, remotePort } }) =>
  directRemoteIp === undefined ? { ip: remoteIp, port: remotePort } : { ip: directRemoteIp, port: 0 };
const local: AddressSource = ({ connection }) => ({ ip: connection.localIp, port: connection.localPort });
const upstream: AddressSource = ({ info }) => info.upstreamHost;
/** This side of the upstream connection. */
const upstreamLocal: AddressSource = ({ info: { upstreamConnection } }) =>
  upstreamConnection && { ip: upstreamConnection.localIp, port: upstreamConnection.localPort };

function text({ ip, port }: Address): string {
  const first = ip.charCodeAt(0);
  // A digit in front and no colon: IPv4, as nearly always.
  if (port >= 0 && first >= 48 && first <= 57 && !ip.includes(':')) return `${ip}:${port}`;
  const version = isIP(ip);
  if (version === 0) return ip;
  return version === 6 ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** `…_WITHOUT_PORT(N)`: with N only the first N bits, as a range. Anything but a number is ignored, as in Envoy. */
function withoutPort(source: AddressSource): OperatorSpec {
  return {
    params: 'optional',
    length: true,
    make(argument) {
      const bits = /^\d+$/.test(argument) ? Number(argument) : undefined;
      return (stream) => {
        const address = source(stream);
        if (address === undefined || bits === undefined) return address?.ip;
        return masked(address.ip, bits);
      };
    },
  };
}

function masked(ip: string, wanted: number): string {
  const version = isIP(ip);
  if (version === 0) return ip;
  const bits = Math.min(wanted, version === 4 ? 32 : 128);
  const groups = version === 4 ? ip.split('.').map(Number) : groupsOf(ip);
  const width = version === 4 ? 8 : 16;
  const kept = groups.map((group, index) => {
    const drop = Math.min(width, Math.max(0, width * (index + 1) - bits));
    return (group >> drop) << drop;
  });
  return `${version === 4 ? kept.join('.') : compressed(kept)}/${bits}`;
}

/** The eight groups of an IPv6 address. */
function groupsOf(ip: string): number[] {
  const plainIp = ip.replace(/%.*$/, '').replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    return `${((+a << 8) | +b).toString(16)}:${((+c << 8) | +d).toString(16)}`;
  });
  const [head = '', tail] = plainIp.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = new Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16));
}

/** The usual form: the longest run of zero groups as `::`. */
function compressed(groups: readonly number[]): string {
  const long = groups.map((group) => group.toString(16)).join(':');
  const runs = [...long.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)];
  if (runs.length === 0) return long;
  const longest = runs.reduce((best, run) =>
    run[0].length > best[0].length + (best.index === 0 ? 1 : 0) ? run : best,
  );
  const before = long.slice(0, longest.index);
  const after = long.slice(longest.index + longest[0].length).replace(/^:/, '');
  return `${before}::${after}`;
}

function withPort(source: AddressSource): OperatorSpec {
  return plain((stream) => {
    const address = source(stream);
    return address === undefined ? undefined : text(address);
  });
}

function port(source: AddressSource): OperatorSpec {
  return plain((stream) => {
    const address = source(stream);
    return address === undefined || address.port < 0 ? undefined : address.port;
  });
}

export const addressOperators: OperatorTable = {
  DOWNSTREAM_REMOTE_ADDRESS: withPort(remote),
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: withoutPort(remote),
  DOWNSTREAM_REMOTE_PORT: port(remote),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: withPort(directRemote),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: withoutPort(directRemote),
  DOWNSTREAM_DIRECT_REMOTE_PORT: port(directRemote),
  DOWNSTREAM_LOCAL_ADDRESS: withPort(local),
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: withoutPort(local),
  DOWNSTREAM_LOCAL_PORT: port(local),
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS: withPort(local),
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT: withoutPort(local),
  DOWNSTREAM_DIRECT_LOCAL_PORT: port(local),
  UPSTREAM_HOST: plain(({ info }) => info.upstreamHost?.address),
  UPSTREAM_REMOTE_ADDRESS: withPort(upstream),
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: withoutPort(upstream),
  UPSTREAM_REMOTE_PORT: port(upstream),
  UPSTREAM_LOCAL_ADDRESS: withPort(upstreamLocal),
  UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: withoutPort(upstreamLocal),
  UPSTREAM_LOCAL_PORT: port(upstreamLocal),
};
