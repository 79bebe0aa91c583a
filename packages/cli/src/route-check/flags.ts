/** The flags of `mesh route-check`: those of Envoy's router_check_tool, and a few more. */
import { type Flag, used } from '../flags.ts';

const ignored = (name: string, help: string): Flag => ({ name, value: 'none', help, use: 'ignored' });

export const ROUTE_CHECK_FLAGS: readonly Flag[] = [
  used('config-path', 'text', 'FILE', 'a RouteConfiguration or a whole bootstrap, YAML or JSON', 'c'),
  used('test-path', 'text', 'FILE', 'the tests, YAML or JSON', 't'),
  used('details', 'none', '', 'print every test with every expectation', 'd'),
  used('only-show-failures', 'none', '', 'print nothing of tests that pass'),
  used('coverage', 'none', '', 'tell which routes no test touches'),
  used('covall', 'none', '', 'as --coverage, counting every field that could be compared'),
  used('fail-under', 'text', 'PERCENT', 'fail when the coverage is less', 'f'),
  used('listener', 'text', 'NAME', 'the listener whose routes are meant, when there are several'),
  used('stat-prefix', 'text', 'NAME', 'the connection manager whose routes are meant, likewise'),
  used('json', 'none', '', 'print the report as data'),
  used('help', 'none', '', 'print this and exit', 'h'),
  ignored('detailed-coverage', '--coverage always names the routes'),
  ignored('disable-deprecation-check', 'deprecated fields that are built are no error'),
  { name: 'output-path', short: 'o', value: 'text', help: 'use --json', use: 'refused' },
];
