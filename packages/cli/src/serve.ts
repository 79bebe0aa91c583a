/** `--mode serve`: start, wait for the end, drain, close. */
import { writeFile } from 'node:fs/promises';
import { createLogger, createProxy, MeshError, type MeshProxy, type ProcessLogger } from '@mesh/core';
import { standard } from '@mesh/standard';
import { commandLineOptions } from './command-line-options.ts';
import { configProblems } from './config-problems.ts';
import type { Flag } from './flags.ts';
import type { Io } from './io.ts';
import type { RunOptions } from './options.ts';
import { proxyConfig } from './proxy-config.ts';
import { Ending, onReopen } from './signals.ts';
import { describe, UncaughtErrors } from './uncaught.ts';
import { runtimeWarning, versionLine } from './version.ts';

/** Runs a proxy until it is told to end; resolves with the exit code. A bad configuration starts nothing. */
export async function serve(options: RunOptions, ignored: readonly Flag[], io: Io): Promise<number> {
  let logger: ProcessLogger;
  try {
    logger = openLog(options);
  } catch (error) {
    await io.err(`mesh: cannot open the log file: ${(error as Error).message}\n`);
    return 1;
  }
  const ending = new Ending(io, logger);
  const uncaught = new UncaughtErrors(io, logger);
  try {
    greet(options, ignored, io, logger);
    return await run(options, io, logger, ending, uncaught);
  } finally {
    ending.stop();
    uncaught.stop();
    await logger.close();
  }
}

async function run(
  options: RunOptions,
  io: Io,
  logger: ProcessLogger,
  ending: Ending,
  uncaught: UncaughtErrors,
): Promise<number> {
  let proxy: MeshProxy | undefined;
  const stopReopening = onReopen(io, logger);
  const stopReopeningFiles = io.onSignal('SIGUSR1', () => void proxy?.reopenLogs());
  try {
    proxy = await create(options, logger);
    proxy.onQuit(() => ending.quit());
    proxy.onReopenLogs(stopReopening.reopen);
    await Promise.race([proxy.start(), uncaught.whileStarting]);
    uncaught.serving(proxy);
    await writeAdminAddress(options, proxy, logger);
    logger.log('info', 'main', 'serving');
    await ending.asked;
    await Promise.race([proxy.drain(), ending.quitting]);
    logger.log('info', 'main', 'exiting');
    return 0;
  } catch (error) {
    await fail(error, io, logger);
    return 1;
  } finally {
    stopReopening.stop();
    stopReopeningFiles();
    await proxy?.close();
  }
}

function create(options: RunOptions, logger: ProcessLogger): Promise<MeshProxy> {
  return createProxy({
    ...proxyConfig(options),
    extensions: standard,
    logger,
    drainTimeMs: options.drainTimeMs,
    logFlushIntervalMs: options.fileFlushIntervalMs,
    commandLineOptions: commandLineOptions(options),
  });
}

function openLog({ logLevel, componentLogLevels, logFormat, logPath, fileFlushIntervalMs }: RunOptions): ProcessLogger {
  return createLogger({
    level: logLevel,
    componentLevels: componentLogLevels,
    flushIntervalMs: fileFlushIntervalMs,
    ...(logFormat === undefined ? {} : { format: logFormat }),
    ...(logPath === undefined ? {} : { path: logPath }),
  });
}

/** What somebody who reads the log later wants to know about this run. */
function greet(options: RunOptions, ignored: readonly Flag[], io: Io, logger: ProcessLogger): void {
  logger.log('info', 'main', `starting ${versionLine(io.nodeVersion)}`);
  const warning = runtimeWarning(io.nodeVersion, io.nowMs());
  if (warning !== undefined) logger.log('warning', 'main', warning);
  if (options.concurrency > 1) {
    logger.log('warning', 'main', `--concurrency ${options.concurrency}: one worker is used for now`);
  }
  for (const { name, help } of ignored) logger.log('debug', 'main', `--${name} has no effect: ${help}`);
}

async function writeAdminAddress(
  { adminAddressPath }: RunOptions,
  proxy: MeshProxy,
  logger: ProcessLogger,
): Promise<void> {
  const address = proxy.adminAddress;
  if (adminAddressPath === undefined || address === undefined) return;
  const text = 'path' in address ? address.path : hostAndPort(address);
  try {
    await writeFile(adminAddressPath, text);
  } catch (error) {
    // As in Envoy: who cannot be told the address is no reason not to serve.
    logger.log('critical', 'main', `cannot write the admin address: ${(error as Error).message}`);
  }
}

function hostAndPort({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Errors that have a reader in mind are told as they are; all others with where they came from. */
async function fail(error: unknown, io: Io, logger: ProcessLogger): Promise<void> {
  const problems = configProblems(error);
  if (problems !== undefined) return io.err(`${problems}\n`);
  logger.log('critical', 'main', `cannot start: ${error instanceof MeshError ? error.message : describe(error)}`);
}
