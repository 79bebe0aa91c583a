/** The `mesh` command from the sources of this workspace, for tests that need a real process and no build. */
import { main } from '@mesh/cli';

process.exitCode = await main(process.argv.slice(2));
