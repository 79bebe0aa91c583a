/** Every extension that comes with Mesh. */
import type { Extension } from '@mesh/core';
import { strictDns } from '@mesh/discovery';
import { router } from '@mesh/filters-http';
import {
  connectionLimit,
  directResponse,
  echo,
  httpInspector,
  localRateLimit,
  originalDst,
  proxyProtocol,
  rbac,
  sniCluster,
  tcpProxy,
  tlsInspector,
} from '@mesh/filters-network';

/**
 * All built-in extensions, for `createProxy({ extensions: [...standard, mine] })`. Leave it out and list what you need
 * when a smaller proxy is wanted: a proxy knows only what it is given.
 */
export const standard: readonly Extension[] = [
  router,
  echo,
  directResponse,
  tcpProxy,
  connectionLimit,
  sniCluster,
  rbac,
  localRateLimit,
  tlsInspector,
  httpInspector,
  proxyProtocol,
  originalDst,
  strictDns,
];
