import type { TableProjection, Write } from './projection.ts';
import type { RowAccess, RowSink } from './rows.ts';

/** The rows of one table projection. */
export class RowTable {
  readonly projection: TableProjection;
  readonly #places: ReadonlyMap<string, number>;

  constructor(projection: TableProjection, { placeOf }: Pick<RowAccess, 'placeOf'>) {
    this.projection = projection;
    this.#places = new Map(
      Object.entries(projection.statements).map(([name, sql]) => [name, placeOf(sql)]),
    );
  }

  write(writes: readonly Write[], rows: RowSink): void {
    for (const write of writes) {
      const place = this.#places.get(write[0]);
      if (place === undefined) throw new Error(`${this.projection.name} has no ${write[0]}`);
      rows.run(place, write);
    }
  }
}
