/** What TLS transports of both directions are given by the proxy. */
import type { Logger } from '../../runtime/log.ts';
import type { TimerWheel } from '../../runtime/timer-wheel.ts';
import type { Scope } from '../../stats/index.ts';
import type { CertificateRegistry } from './certificate-registry.ts';

export interface TlsDeps {
  /** `listener.<address>.` or `cluster.<name>.`. */
  readonly scope: Scope;
  readonly wheel: TimerWheel;
  readonly logger: Logger;
  /** Where `/certs` finds what is in use; one per proxy. */
  readonly certificates?: CertificateRegistry | undefined;
}
