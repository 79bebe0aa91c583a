/** The address that this proxy is known by where it is a client of its own: in `x-forwarded-for` of mirrored requests. */
import { networkInterfaces } from 'node:os';

let known: string | undefined;

/** The first IPv4 address that is not a loopback one, as Envoy's `local_info`; 127.0.0.1 without one. Asked once. */
export function localAddress(): string {
  known ??= firstAddress();
  return known;
}

function firstAddress(): string {
  for (const addresses of Object.values(networkInterfaces())) {
    const found = addresses?.find(({ family, internal }) => family === 'IPv4' && !internal);
    if (found !== undefined) return found.address;
  }
  return '127.0.0.1';
}
