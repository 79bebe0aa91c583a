/** HTTP filters for Mesh. */
export { dynamicForwardProxy } from './dynamic-forward-proxy/index.ts';
export { healthCheck } from './health-check/index.ts';
export { router } from './router/index.ts';
export { statefulSession } from './stateful-session/index.ts';
export { tap } from './tap/index.ts';
