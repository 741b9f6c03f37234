import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { TableProjection, Write } from './projection.ts';

/** Runs the writes of one table projection. */
export class RowWriter {
  readonly projection: TableProjection;
  readonly #statements: ReadonlyMap<string, StatementSync>;

  constructor(database: DatabaseSync, projection: TableProjection) {
    this.projection = projection;
    this.#statements = new Map(
      Object.entries(projection.statements).map(([name, sql]) => [name, database.prepare(sql)]),
    );
  }

  run(writes: readonly Write[]): void {
    for (const [name, ...values] of writes) {
      const statement = this.#statements.get(name);
      if (statement === undefined) throw new Error(`${this.projection.name} has no ${name}`);
      statement.run(...values);
    }
  }
}
