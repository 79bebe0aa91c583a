/** `envoy.filters.http.router`: the terminal filter that forwards requests to clusters. */
import { defineTerminalHttpFilter } from '@mesh/core';
import type { MessageOutput } from '@mesh/core/proto';
import { routerSchema } from './config.ts';
import { newExchange, routerHooks } from './router.ts';

/** What the router's config schema yields. */
export type RouterConfig = MessageOutput<typeof routerSchema.info.fields>;

/**
 * Forwards each request to the cluster of its route; answers redirects and direct responses. Must be the last filter.
 *
 * @example http({ routes: [route('/', 'service1')], filters: [router()] })
 */
export const router = defineTerminalHttpFilter({
  name: 'envoy.filters.http.router',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
  config: routerSchema,
  newState: newExchange,
  create: (settings, context) => routerHooks(settings, context),
});
