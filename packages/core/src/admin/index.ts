/** The admin server and what it asks of the proxy. */
export * from './context.ts';

export { AdminServer } from './server.ts';
