import { type Figure, isReached, ratioOf } from './bench.ts';

/** Figures as one table of aligned columns. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = [
    ['figure', 'value', 'baseline', 'ratio', 'target', ''],
    ...figures.map((figure) => [
      figure.name,
      `${shown(figure.value)} ${figure.unit}`,
      figure.baseline ? `${shown(figure.baseline.value)} (${figure.baseline.name})` : '',
      figure.baseline ? shown(ratioOf(figure) ?? Number.NaN) : '',
      targetOf(figure),
      { true: 'reached', false: 'missed', undefined: '' }[String(isReached(figure))] ?? '',
    ]),
  ];
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lineOf = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
      .join('  ')
      .trimEnd();
  return rows.map(lineOf).join('\n');
}

function targetOf({ target, unit }: Figure): string {
  if (target === undefined) return '';
  const { atLeast, atMost, of } = target;
  const bound = atLeast === undefined ? `<= ${shown(atMost ?? 0)}` : `>= ${shown(atLeast)}`;
  return of === 'ratio' ? `ratio ${bound}` : `${bound} ${unit}`;
}

function shown(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value.toPrecision(3);
}
