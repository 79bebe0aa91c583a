/** The admin server and what it asks of the proxy. */
export * from './context.ts';
export type { ServedRequest } from './exchange.ts';
export type { FieldShape, MessageShape } from './field-mask.ts';
export { AdminServer, type AdminServerOptions } from './server.ts';
