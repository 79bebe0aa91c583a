/** `mesh --help`. */
import { FLAGS, type Flag } from './flags.ts';

/** The whole text, generated from the table of flags. */
export function helpText(): string {
  return `mesh: an L4/L7 proxy that is configured like Envoy

  mesh -c FILE                   run
  mesh -c FILE --mode validate   check the configuration and exit
  mesh explain -c FILE 'GET URL' tell what would be done with a request, and why
  mesh route-check -c FILE -t TESTS
                                 test the routes (files of Envoy's router_check_tool)
  mesh schema                    print the JSON Schema of the configuration
  mesh version                   print the version

Flags, as "--flag value" or "--flag=value":
${FLAGS.filter(({ use }) => use === 'used')
  .map(line)
  .join('\n')}

Accepted for the sake of Envoy's command lines, without effect:
${FLAGS.filter(({ use }) => use === 'ignored')
  .map(line)
  .join('\n')}

Signals: SIGTERM and SIGINT stop accepting and let requests in flight finish, a second one ends at once;
SIGUSR1 reopens log files.
`;
}

/** One flag with its explanation. */
export function line({ name, short, label, help, only }: Flag): string {
  const written = `${short === undefined ? '    ' : `-${short}, `}--${name}${label ? ` ${label}` : ''}`;
  return `  ${written.padEnd(38)} ${help}${only === undefined ? '' : ` (only ${only})`}`;
}
