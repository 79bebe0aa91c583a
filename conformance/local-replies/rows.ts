/** The table of local replies. */
import { codec, manager } from './manager-rows.ts';
import { forms, routing, upstream } from './router-rows.ts';
import type { ReplyRow } from './row.ts';
import { timeouts } from './timeout-rows.ts';

export type { ReplyRow } from './row.ts';

/** Every row that can be shown today. */
export const replyRows: readonly ReplyRow[] = [...routing, ...upstream, ...timeouts, ...manager, ...codec, ...forms];

/** Rows of Envoy's behaviour that cannot come up here, and what they wait for. */
export const laterRows: Readonly<Record<string, string>> = {
  'route table missing': 'routes come with the configuration until there is xDS',
  'drop overload': 'a policy of EDS',
  'overload manager: stop accepting requests': 'the overload manager is not built yet',
  'missing path': 'HTTP/2 only: an HTTP/1 request line without a target is a codec error',
  'connection timeout': 'a host that does not answer SYN: packages/core/src/upstream/connect-timeout.test.ts',
  'CONNECT data before 200': 'data waits for the answer: packages/filters-http/src/router/connect.test.ts',
  'required header removed by a filter': 'method, path and host cannot be removed: they are not fields of the map',
  'refused streams': 'HTTP/2 only',
};
