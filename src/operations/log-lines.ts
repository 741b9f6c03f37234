import { type LoggerOptions, pino } from 'pino';
import { LedgerUnavailable } from '../application/request.ts';
import { limits } from '../limits.ts';
import { StoreFull, StoreUnavailable } from '../store/store.ts';
import { ViewsBehind } from '../views/views.ts';

const WARN = 40;

/** What happens to a ledger from outside: where in the code that was noticed tells nothing. */
const EXPECTED = [LedgerUnavailable, StoreFull, StoreUnavailable, ViewsBehind];

interface Repeated {
  saidMs: number;
  left: number;
}

/**
 * How lines of the log are made: one warning is said at most once in a while, and the next time
 * with how often it was left out, so that a store that is away fills no disk. There are as
 * many texts of warnings as there are in the program.
 */
export function logLines(clock: () => Date): Pick<LoggerOptions, 'hooks' | 'serializers'> {
  const said = new Map<string, Repeated>();
  return {
    serializers: { err: shown },
    hooks: {
      logMethod(args, log, level) {
        const [fields, text] = args as unknown as [object, string | undefined];
        if (level !== WARN || typeof text !== 'string') return log.apply(this, args);
        const nowMs = clock().getTime();
        const last = said.get(text);
        if (last !== undefined && nowMs - last.saidMs < limits.repeatedWarningMs) {
          last.left += 1;
          return undefined;
        }
        said.set(text, { saidMs: nowMs, left: 0 });
        const repeated = last?.left ? { repeated: last.left } : {};
        return log.call(this, { ...fields, ...repeated }, text);
      },
    },
  };
}

function shown(error: Error): object {
  if (!EXPECTED.some((known) => error instanceof known)) return pino.stdSerializers.err(error);
  const { name: type, message, cause } = error;
  return { type, message, ...(cause instanceof Error ? { cause: cause.message } : {}) };
}
