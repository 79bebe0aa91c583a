/** HTTP filters for Mesh. */
export { router } from './router/index.ts';
