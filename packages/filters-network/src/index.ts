/** Network (L4) filters for Mesh. */
export { directResponse } from './direct-response/index.ts';
export { echo } from './echo/index.ts';
