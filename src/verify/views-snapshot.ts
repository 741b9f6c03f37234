import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { limits } from '../limits.ts';

/** The views cannot be compared; the message says why. */
export class NotCompared extends Error {
  override readonly name = 'NotCompared';
}

/** The file of the views as it is at one moment, whatever a service writes to it meanwhile. */
export class ViewsSnapshot {
  readonly database: DatabaseSync;
  /** The last event that they show: its position and hash. */
  readonly position: bigint;
  readonly hash: string;

  private constructor(database: DatabaseSync, position: bigint, hash: string) {
    this.database = database;
    this.position = position;
    this.hash = hash;
  }

  /** Opens it to look at it; `schema` says which tables the program has. */
  static open(path: string, schema: string): ViewsSnapshot {
    if (!existsSync(path)) throw new NotCompared(`there is no ${path}`);
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path, { readOnly: true, timeout: limits.storeBusyMsMax });
      database.exec('BEGIN');
      const read = database.prepare('SELECT schema, position, hash FROM checkpoint');
      read.setReadBigInts(true);
      const row = read.get();
      if (row?.schema === schema) {
        return new ViewsSnapshot(database, row.position as bigint, row.hash as string);
      }
    } catch (fault) {
      database?.close();
      throw new NotCompared(`${path} cannot be read: ${(fault as Error).message}`);
    }
    database.close();
    throw new NotCompared(`${path} was written by another version`);
  }

  close(): void {
    this.database.close();
  }
}
