/** Which fields the resources of `/config_dump` may have: what its masks are checked against. */
import type { DumpedResource, FieldShape, MessageShape } from '../admin/index.ts';
import { bootstrapSchema } from '../config/bootstrap.ts';
import { clusterSchema } from '../config/cluster.ts';
import { clusterLoadAssignmentSchema } from '../config/endpoint.ts';
import { listenerSchema } from '../config/listener.ts';
import { fieldSchema, messageInfo } from '../config/message.ts';
import { routeConfigurationSchema } from '../config/route.ts';

const SCHEMAS: Readonly<Record<Exclude<DumpedResource, 'secret'>, unknown>> = {
  bootstrap: bootstrapSchema,
  cluster: clusterSchema,
  listener: listenerSchema,
  route_config: routeConfigurationSchema,
  endpoint_config: clusterLoadAssignmentSchema,
};

/** The fields of a resource. */
export function messageShape(resource: DumpedResource): MessageShape {
  const shape = resource === 'secret' ? 'unknown' : shapeOfSchema(SCHEMAS[resource]);
  return typeof shape === 'function' ? shape : () => shape;
}

/** What is no message is a scalar, a list, a map or an extension: a mask cannot go into any of these. */
function shapeOfSchema(schema: unknown): FieldShape {
  const info = messageInfo(schema);
  if (info === undefined) return 'leaf';
  return (name) => {
    const field = info.fields[name];
    if (field !== undefined) return shapeOfSchema(fieldSchema(field));
    // Known to Envoy and refused here: nothing of it can be in force.
    return Object.hasOwn(info.known, name) ? 'unknown' : undefined;
  };
}
