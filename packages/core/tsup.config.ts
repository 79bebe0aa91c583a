import { defineConfig } from 'tsup';
import { library } from '../../scripts/tsup.ts';

export default defineConfig(library({ entry: ['src/index.ts', 'src/engine.ts', 'src/proto.ts'] }));
