import { projectStream } from '../ledger/streams.ts';
import type { ProjectGeneration } from '../security/identity.ts';
import { addToken, removeToken, shownToken } from '../security/token-changes.ts';
import { readTokenFile } from '../security/token-file.ts';
import { grantOf, type ShownToken, type TokenRequest } from '../security/token-request.ts';
import type { World } from '../service.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import { type ApiClient, RequestFailed } from './api-client.ts';
import type { DataFiles } from './data-files.ts';

/** Where a command has tokens made, listed and revoked. */
export interface TokenCommands {
  /** Gives the text of a new token, which is nowhere kept. */
  create(asked: TokenRequest): Promise<string>;
  list(): Promise<readonly ShownToken[]>;
  /** Whether there was one. */
  revoke(id: string): Promise<boolean>;
}

type TokenWorld = Pick<World, 'clock' | 'randomBytes'>;

/** The files of a service, whether it runs or not. */
export function commandsOnFiles(
  { tokens, directory }: Pick<DataFiles, 'tokens' | 'directory'>,
  world: TokenWorld,
): TokenCommands {
  return {
    create: async (asked) => {
      const projects = await presentLives(asked.projects, directory, world.clock);
      return (await addToken(tokens, grantOf(asked, projects, world.clock()), world)).text;
    },
    list: async () => readTokenFile(tokens).map(shownToken),
    revoke: async (id) => (await removeToken(tokens, id)) !== undefined,
  };
}

const TOKENS = '/ledger/v1/tokens';

/** A service that is reached by a kubeconfig. */
export function commandsOnServer(client: ApiClient): TokenCommands {
  return {
    create: async (asked) => (await client.ask('POST', TOKENS, asked)).token,
    list: async () => (await client.ask('GET', TOKENS)).items,
    revoke: async (id) => {
      const path = `${TOKENS}/${encodeURIComponent(id)}`;
      const { code, body } = await client.send('DELETE', path);
      if (code !== 200 && code !== 404) throw new RequestFailed(body?.message ?? `HTTP ${code}`);
      return code === 200;
    },
  };
}

/** The present lives of projects, out of the log: a service may run on it meanwhile. */
async function presentLives(
  names: readonly string[],
  directory: string,
  clock: () => Date,
): Promise<ProjectGeneration[]> {
  if (names.length === 0) return [];
  const store = openSqliteStore({ directory, clock, readOnly: true });
  try {
    return await Promise.all(
      names.map(async (name) => {
        let uid: string | undefined;
        for await (const events of store.readStream(projectStream(name), 0)) {
          for (const { type, data } of events) {
            if (type === 'AddressSpaceOpened') uid = (data as { generation: string }).generation;
            if (type === 'AddressSpaceClosed') uid = undefined;
          }
        }
        if (uid !== undefined) return { name, uid };
        throw new RequestFailed(`there is no project "${name}" in ${directory}`);
      }),
    );
  } finally {
    await store.close();
  }
}
