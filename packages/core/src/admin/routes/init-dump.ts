/** `/init_dump`: what listeners wait for. */
import { type AdminRoute, json } from '../route.ts';

/** As in Envoy, listeners are the only component that can be asked for, and any other name shows nothing. */
export const initDumpRoutes: readonly AdminRoute[] = [
  {
    path: '/init_dump',
    help: 'dump current Envoy init manager information (experimental)',
    params: [
      {
        id: 'mask',
        type: 'string',
        help: 'The desired component to dump unready targets. The mask is parsed as a Protobuf::FieldMask. For example, get the unready targets of all listeners with /init_dump?mask=listener`',
      },
    ],
    handle({ query }, context) {
      const mask = query.get('mask') ?? '';
      const unready = mask === '' || mask.split(',').includes('listener') ? (context.unready?.() ?? []) : [];
      const dumps = unready.map(({ name, targets }) => ({ name, target_names: targets }));
      return json(dumps.length === 0 ? {} : { unready_targets_dumps: dumps });
    },
  },
];
