/** The router's hooks: each request has an exchange, which the hooks feed. */
import type { HttpFilter, HttpFilterContext, TerminalStream } from '@mesh/core';
import { routerEnvironment } from './environment.ts';
import { RouterExchange } from './exchange.ts';
import type { RouterConfig } from './index.ts';

/** The state of one request. */
export const newExchange = (): RouterExchange => new RouterExchange();

/** The router's hooks for one config. */
export function routerHooks(
  config: RouterConfig,
  context: HttpFilterContext,
): HttpFilter<RouterExchange, TerminalStream> {
  const env = routerEnvironment(config, context);
  return {
    onRequestHeaders: (headers, stream, exchange, end) => exchange.begin(env, headers, stream, end),
    onRequestData: (chunk, _stream, exchange, end) => exchange.data(chunk, end),
    onRequestTrailers: (trailers, _stream, exchange) => exchange.trailers(trailers),
    onComplete: (_stream, exchange) => exchange.complete(),
  };
}
