import { CorruptEvent } from '../store/store.ts';
import type { Finding } from '../verify/log-audit.ts';
import type { Verdict, ViewsVerdict } from '../verify/verification.ts';

const FORMAT = 'netalloc-verify';
const VERSION = 1;

/** A verdict as lines for people. */
export function linesOf({ log, damage, findings, views }: Verdict): string[] {
  const { events, streams, firstAt, lastAt, digest } = log;
  const lines = damage === undefined ? [] : linesOfDamage(damage);
  lines.push(`events   ${events} in ${streams} streams`);
  if (events > 0) lines.push(`recorded ${firstAt} to ${lastAt}`);
  lines.push(`digest   ${digest}`);
  if (damage === undefined) lines.push('intact: every hash, revision, position and recorded time');
  for (const finding of findings.first) lines.push(...linesOfFinding(finding));
  const count = findings.first.length + findings.leftOut;
  if (findings.leftOut > 0) lines.push(`and ${findings.leftOut} more like these`);
  const of = damage === undefined ? '' : 'up to the damage ';
  lines.push(count === 0 ? `rules: ${of}every event keeps them` : `rules: broken ${count} times`);
  lines.push(...linesOfViews(views));
  return lines;
}

function linesOfDamage(damage: Error): string[] {
  const rest = 'what is after it was not looked at';
  if (!(damage instanceof CorruptEvent)) return [`damaged: ${damage.message}`, rest];
  const { stream, revision, position, problem } = damage;
  return [`damaged: ${stream} revision ${revision}`, `at position ${position}: ${problem}`, rest];
}

function linesOfFinding({ rule, event, expected, found }: Finding): string[] {
  const place =
    event === undefined
      ? 'at the end of the log'
      : `${event.stream} revision ${event.revision}, position ${event.position}, ${event.type}`;
  return [`${rule}: ${place}`, `  expected ${expected}`, `  found    ${found}`];
}

function linesOfViews(views: ViewsVerdict): string[] {
  if (!views.compared) return [`views: not compared: ${views.reason}`];
  const { position, rows, differences } = views;
  const { first, leftOut } = differences;
  const lines = first.flatMap(({ table, row, expected, found }) => [
    ...[`views: ${table} ${row}`, `  expected ${expected}`, `  found    ${found}`],
  ]);
  if (leftOut > 0) lines.push(`and ${leftOut} more rows`);
  const what = `${rows} rows at position ${position}`;
  const count = first.length + leftOut;
  if (count === 0) return [`views: ${what} show what the log says`];
  const advice = 'stop the service and delete views.sqlite: it is built anew from the log';
  return [...lines, `views: ${count} differences in ${what}; ${advice}`];
}

/** A verdict as one JSON object; new fields may come, those that are there stay. */
export function jsonOf({ log, damage, findings, views }: Verdict): object {
  return {
    ...{ format: FORMAT, version: VERSION, ...log },
    damage: damage === undefined ? null : damageOf(damage),
    findings: findings.first.map(({ rule, event, expected, found }) => {
      const place = event && { ...event, position: String(event.position) };
      return { rule, event: place ?? null, expected, found };
    }),
    findingsLeftOut: findings.leftOut,
    views: viewsOf(views),
  };
}

function damageOf(damage: Error): object {
  if (!(damage instanceof CorruptEvent)) return { problem: damage.message };
  const { stream, revision, position, problem } = damage;
  return { stream, revision, position: String(position), problem };
}

function viewsOf(views: ViewsVerdict): object {
  if (!views.compared) return views;
  const { compared, position, rows, differences } = views;
  const { first, leftOut } = differences;
  return { compared, position: String(position), rows, differences: first, leftOut };
}
