/** How the replies that the proxy makes itself are changed. */
import { accessLogFilter } from './access-log-filter.ts';
import { dataSource } from './data-source.ts';
import { headerValueOption } from './header-mutation.ts';
import { message, required } from './message.ts';
import { list, uint32 } from './proto-json.ts';
import { substitutionFormat } from './substitution-format.ts';

const hcm = 'envoy.extensions.filters.network.http_connection_manager.v3.';

const responseMapper = message(
  {
    filter: required(accessLogFilter),
    status_code: uint32({ min: 200, max: 599 }),
    body: dataSource,
    body_format_override: substitutionFormat,
    headers_to_add: list(headerValueOption),
  },
  { name: `${hcm}ResponseMapper` },
);

/** Envoy `LocalReplyConfig`. */
export const localReplyConfig = message(
  { mappers: list(responseMapper), body_format: substitutionFormat },
  { name: `${hcm}LocalReplyConfig` },
);
