/** `/config_dump`: the configuration in force, without private keys. */
import { type DumpItem, type DumpMessage, type DumpSection, dumpMessages } from '../config-dump/messages.ts';
import type { JsonObject } from '../context.ts';
import { applyMask, type FieldMask, isMaskOf, parseFieldMask } from '../field-mask.ts';
import { printed } from '../iterate.ts';
import { type AdminReply, type AdminRequest, type AdminRoute, bigJson } from '../route.ts';
import { compileFullMatch, type SafeRegex } from '../safe-regex.ts';

/** Everything, one repeated field (`resource`), some of its fields (`mask`), or what has a name (`name_regex`). */
export const configDumpRoutes: readonly AdminRoute[] = [
  {
    path: '/config_dump',
    help: 'dump current Envoy configs',
    params: [
      { id: 'resource', type: 'string', help: 'The resource to dump' },
      {
        id: 'mask',
        type: 'string',
        help: 'The mask to apply. When both resource and mask are specified, the mask is applied to every element in the desired repeated field so that only a subset of fields are returned. The mask is parsed as a Protobuf::FieldMask',
      },
      {
        id: 'name_regex',
        type: 'string',
        help: 'Dump only the currently loaded configurations whose names match the specified regex. Can be used with both resource and mask query parameters.',
      },
      {
        id: 'include_eds',
        type: 'boolean',
        help: 'Dump currently loaded configuration including EDS. See the response definition for more information',
      },
    ],
    handle(request, context) {
      const regex = nameRegex(request);
      if (typeof regex === 'string') return plain(regex, 400);
      const messages = dumpMessages(context.configDump({ endpoints: request.query.has('include_eds') }));
      const keep = (item: DumpItem): boolean => regex?.test(item.name()) ?? true;
      const mask = request.query.get('mask');
      const resource = request.query.get('resource');
      if (resource) return oneResource(messages, resource, mask, keep);
      return everything(messages, mask, keep);
    },
  },
];

/** The whole name has to match. A string is the text of a 400. */
function nameRegex({ query }: AdminRequest): SafeRegex | string | undefined {
  const pattern = query.get('name_regex');
  if (!pattern) return undefined;
  try {
    return compileFullMatch(pattern);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return `INVALID_ARGUMENT: Error while parsing name_regex from ${pattern}: ${error.message}`;
  }
}

function everything(
  messages: readonly DumpMessage[],
  maskText: string | undefined,
  keep: (item: DumpItem) => boolean,
): AdminReply {
  if (!maskText) return bigJson({ configs: messages.map((message) => whole(message, keep)) });
  const mask = parseFieldMask(maskText);
  const fitting = messages.filter(({ shape }) => isMaskOf(mask, shape));
  if (fitting.length === 0) {
    return plain(`FieldMask ${maskText} could not be successfully applied to any configs.`, 400);
  }
  return bigJson({ configs: fitting.map((message) => masked(message, mask, keep)) });
}

/** A list without items is left out. */
function whole({ type, head, sections }: DumpMessage, keep: (item: DumpItem) => boolean): object {
  const fields = sections
    .filter(({ items }) => items.some(keep))
    .map(({ field, items }) => [field, printed(items, keep, (item) => item.body())] as const);
  return { '@type': type, ...head, ...Object.fromEntries(fields) };
}

/** Of the fields of a message that are lists a mask takes all or nothing. */
function masked(message: DumpMessage, mask: FieldMask, keep: (item: DumpItem) => boolean): object {
  const sections = mask.length === 0 ? message.sections : message.sections.filter(({ field }) => mask.includes(field));
  return whole({ ...message, head: applyMask(mask, message.head), sections }, keep);
}

function oneResource(
  messages: readonly DumpMessage[],
  resource: string,
  maskText: string | undefined,
  keep: (item: DumpItem) => boolean,
): AdminReply {
  const section = messages.flatMap(({ sections }) => sections).find(({ field }) => field === resource);
  if (section === undefined) {
    const single = messages.some(({ singular }) => singular.includes(resource));
    if (!single) return plain(`${resource} not found in config dump`, 404);
    return plain(`${resource} is not a repeated field. Use ?mask=${resource} to get only this field`, 400);
  }
  if (!section.items.some(keep)) return bigJson({});
  const trim = maskText ? trimmer(section, parseFieldMask(maskText)) : (body: JsonObject) => body;
  if (trim === undefined) return plain(`FieldMask ${debugText(maskText ?? '')} could not be successfully used.`, 400);
  const print = (item: DumpItem): object => ({ '@type': section.type, ...trim(item.body()) });
  return bigJson({ configs: printed(section.items, keep, print) });
}

/** What a mask does to the items of a list: into the resource itself it goes too. Undefined when it does not fit. */
function trimmer(section: DumpSection, mask: FieldMask): ((body: JsonObject) => JsonObject) | undefined {
  const { any, shape } = section;
  const prefix = any === undefined ? undefined : `${any.field}.`;
  const inner = prefix === undefined ? [] : mask.filter((path) => path.startsWith(prefix));
  const outer = mask.filter((path) => !inner.includes(path));
  // As in Envoy, the whole resource is asked for by leaving out the mask.
  if (any !== undefined && outer.includes(any.field)) return undefined;
  if (!isMaskOf(outer, shape)) return undefined;
  if (any === undefined || prefix === undefined || inner.length === 0) return (body) => applyMask(outer, body);
  const innerMask = inner.map((path) => path.slice(prefix.length));
  if (!isMaskOf(innerMask, any.shape)) return undefined;
  return (body) => {
    const trimmed = applyMask([...outer, any.field], body);
    const resource = trimmed[any.field] as JsonObject | undefined;
    return resource === undefined ? trimmed : { ...trimmed, [any.field]: applyMask(innerMask, resource) };
  };
}

/** A mask as protobuf prints it for people who debug. */
function debugText(mask: string): string {
  return parseFieldMask(mask)
    .map((path) => `paths: ${JSON.stringify(path)}\n`)
    .join('');
}

function plain(message: string, status: number): AdminReply {
  return { status, contentType: 'text/plain', body: message };
}
