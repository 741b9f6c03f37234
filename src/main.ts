import { randomBytes, randomUUID } from 'node:crypto';
import { constants } from 'node:os';
import { pino } from 'pino';
import { PlanDiffers } from './application/ledger.ts';
import { RequestFailed } from './cli/api-client.ts';
import { runCommand, UnknownCommand } from './cli/commands.ts';
import { KubeconfigRefused } from './cli/kubeconfig.ts';
import { LogCommandRefused } from './cli/log-options.ts';
import { TokenCommandRefused } from './cli/token.ts';
import { InvalidSetting } from './config.ts';
import { InvalidPlan } from './ledger/plan.ts';
import { logLines } from './operations/log-lines.ts';
import { SecurityFileRefused } from './security/file-refused.ts';
import { StartRefused, type World } from './service.ts';
import { CorruptEvent, StoreFull, StoreRefused, StoreUnavailable } from './store/store.ts';
import { ImportRefused } from './transfer/import-log.ts';
import { InvalidLogFile } from './transfer/lines.ts';

/** Problems that an operator can put right: told in one message, without a stack. */
const OPERATOR_PROBLEMS = [
  InvalidSetting,
  ImportRefused,
  InvalidLogFile,
  InvalidPlan,
  KubeconfigRefused,
  LogCommandRefused,
  PlanDiffers,
  RequestFailed,
  CorruptEvent,
  SecurityFileRefused,
  StartRefused,
  StoreFull,
  StoreUnavailable,
  StoreRefused,
  TokenCommandRefused,
  UnknownCommand,
];

/**
 * The composition root: the only file that knows the clock, random numbers and the environment.
 * Runs a subcommand, and ends the process with its exit code.
 */
export async function run(args: readonly string[], version: string): Promise<void> {
  // Whatever is written is for its owner alone.
  process.umask(0o077);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', refuseUnlessUnread);
  try {
    const code = await runCommand(args, {
      env: process.env,
      print: (text) => process.stdout.write(`${text}\n`),
      tell: (text) => process.stderr.write(`netalloc: ${text}\n`),
      stdin: process.stdin,
      stdout: process.stdout,
      worldOf: (logLevel, offsetSeconds) => worldOf(version, logLevel, offsetSeconds),
      untilSignal,
    });
    await exit(code);
  } catch (error) {
    process.stderr.write(`netalloc: ${textOf(error)}\n`);
    await exit(1);
  }
}

/** Whoever reads a part only, as `head` does, has had enough: the rest is for nobody. */
function refuseUnlessUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

/** What was written to a pipe is still on its way: the process ends when all of it has left. */
async function exit(code: number): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => stream.write('', () => resolve()));
  }
  process.exit(code);
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isKnown = OPERATOR_PROBLEMS.some((known) => error instanceof known) || hasCode(error);
  return isKnown ? error.message : (error.stack ?? error.message);
}

/** Errors of the operating system, such as a port that is in use, explain themselves. */
function hasCode(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

function worldOf(version: string, logLevel: string, timeOffsetSeconds: number): World {
  const options = { level: logLevel, ...logLines(() => new Date()) };
  const log = pino(options, pino.destination({ dest: 2, sync: true }));
  const offsetMs = timeOffsetSeconds * 1_000;
  if (offsetMs !== 0) log.warn({ timeOffsetSeconds }, 'the clock is shifted, for a test or drill');
  return {
    clock: () => new Date(Date.now() + offsetMs),
    newId: randomUUID,
    random: Math.random,
    randomBytes: (count) => randomBytes(count),
    log,
    version,
  };
}

/** A key pressed in a terminal reaches a process twice or more: from the terminal and from npm. */
const SAME_SIGNAL_MS = 1_000;

/** Resolves with the first signal that asks the process to end. A later one ends it at once. */
function untilSignal(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let firstAt: number | undefined;
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];
  for (const signal of signals) {
    process.on(signal, () => {
      firstAt ??= Date.now();
      if (Date.now() - firstAt > SAME_SIGNAL_MS) process.exit(128 + constants.signals[signal]);
      resolve(signal);
    });
  }
  return promise;
}
