/** Levels of the application log, as spdlog names them. */

/** Levels that a logger can be set to, from the most to the least talkative. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'] as const;
/** What a logger can be set to; `off` is silence. */
export type LogLevel = (typeof LOG_LEVELS)[number];
/** How serious one line is. */
export type LogSeverity = Exclude<LogLevel, 'off'>;

/** Order of the levels, for comparison. */
export const LOG_RANK = Object.fromEntries(LOG_LEVELS.map((level, rank) => [level, rank])) as Record<LogLevel, number>;
