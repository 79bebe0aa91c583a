/** Answers that the configuration itself holds. */
import { isUtf8 } from 'node:buffer';
import { dataSource, readDataSource } from '../data-source.ts';
import { type DeepPartial, type MessageOutput, message, required } from '../message.ts';
import { uint32 } from '../proto-json.ts';
import type { Report } from '../schema-type.ts';
import { substitutionFormat } from '../substitution-format.ts';

const directResponseFields = {
  status: required(uint32({ min: 200, max: 599 })),
  body: dataSource,
  body_format: substitutionFormat,
};

/** Envoy `DirectResponseAction`. How long the body may be is said by the route table. */
export const directResponseAction = message(directResponseFields, {
  name: 'envoy.config.route.v3.DirectResponseAction',
  check({ body }, report) {
    const read = body === undefined ? undefined : readDataSource(body);
    // Without bytes it has been told by the data source itself.
    if (read?.bytes === undefined || isUtf8(read.bytes)) return;
    report({ path: ['body', read.field], message: 'the body of a direct response must be UTF-8 text' });
  },
});

/** Refuses a body of more than `maxBytes`, in Envoy's words; `path` leads to the action. */
export function checkBodySize(
  action: DeepPartial<MessageOutput<typeof directResponseFields>> | undefined,
  maxBytes: number,
  path: readonly (string | number)[],
  report: Report,
): void {
  if (action?.body === undefined) return;
  const { bytes, field } = readDataSource(action.body);
  if (bytes === undefined || bytes.length <= maxBytes) return;
  const message = `response body size is ${bytes.length} bytes; maximum is ${maxBytes}`;
  report({ path: [...path, 'body', field], message });
}
