/** Every response flag: those that come up here, and those that cannot. */
import type { AbsentFlag, Fault, FlagEntry } from './fault.ts';
import { routing, streams } from './other-flags.ts';
import { answering, connecting } from './upstream-flags.ts';

export const flags: readonly FlagEntry[] = [...connecting, ...answering, ...routing, ...streams];

/** All faults, in the order of the catalogue. */
export const faults: readonly Fault[] = flags.flatMap((entry) => entry.faults);

const NO_FILTER = 'its filter is not built yet; a route or listener that names it is refused when it is loaded';

export const absentFlags: readonly AbsentFlag[] = [
  { flag: 'DI', long: 'DelayInjected', reason: `the fault filter delays a request on purpose: ${NO_FILTER}` },
  { flag: 'FI', long: 'FaultInjected', reason: `the fault filter answers a request on purpose: ${NO_FILTER}` },
  { flag: 'RL', long: 'RateLimited', reason: `the (local) rate limit filter of HTTP answers 429: ${NO_FILTER}` },
  { flag: 'RLSE', long: 'RateLimitServiceError', reason: `the rate limit service fails: ${NO_FILTER}` },
  { flag: 'UAEX', long: 'UnauthorizedExternalService', reason: `an ext_authz service says no: ${NO_FILTER}` },
  { flag: 'RFCF', long: 'ResponseFromCacheFilter', reason: `the cache filter answers: ${NO_FILTER}` },
  {
    flag: 'NFCF',
    long: 'NoFilterConfigFound',
    reason:
      "a filter's configuration has not come by ECDS: there is no ECDS, filters have their configuration from the start",
  },
  {
    flag: 'OM',
    long: 'OverloadManagerTerminated',
    reason: 'the overload manager ends a request: it is not built yet, `overload_manager` is refused',
  },
];
