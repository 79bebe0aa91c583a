/** Load-balancing policies. */

export { clientSideWeightedRoundRobin } from './client-side-weighted-round-robin/index.ts';
export { clusterProvided } from './cluster-provided.ts';
export { leastRequest } from './least-request/index.ts';
export { maglev } from './maglev/index.ts';
export { overrideHost } from './override-host/index.ts';
export { random } from './random/index.ts';
export { ringHash } from './ring-hash/index.ts';
export { roundRobin } from './round-robin/index.ts';
export { subset } from './subset/index.ts';
export { wrrLocality } from './wrr-locality/index.ts';
