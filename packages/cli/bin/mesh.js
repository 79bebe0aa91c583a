#!/usr/bin/env node
import { main } from '../dist/index.js';

process.exitCode = await main(process.argv.slice(2));
// All is closed by now. Should an extension still hold a timer or a socket, the process must end nevertheless.
setTimeout(() => process.exit(), 500).unref();
