/** `/routes`: the route tables in force, for people. Programs read them from `/config_dump`. */
import { routesPage } from '../pages/routes.ts';
import { type AdminRoute, html } from '../route.ts';

/** Not Envoy's. */
export const routeTableRoutes: readonly AdminRoute[] = [
  {
    path: '/routes',
    help: 'show route tables as a page',
    handle(_request, context) {
      const { routes } = context.configDump({ endpoints: false });
      return html(routesPage([...routes.static, ...routes.dynamic]));
    },
  },
];
