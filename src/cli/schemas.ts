import { z } from 'zod';
import { InvalidSetting } from '../config.ts';
import { claimsFor } from '../http/kube/kinds/claims.ts';
import type { ClaimKind } from '../http/ledger/claims-batch.ts';
import { claimReply, commandSchemas, REPLY_TYPE } from '../intake/claim-messages.ts';
import { eventMetadata, eventSchemas } from '../ledger/events.ts';
import type { Command } from './commands.ts';

type Schemas = Readonly<Record<string, object>>;

/** Prints the JSON Schemas of what stands in the streams, for programs that read or write them. */
export const schemas: Command = {
  summary: 'print JSON Schemas of events, their metadata, claim commands and replies',
  async run([type, ...rest], line) {
    if (rest.length > 0 || type?.startsWith('-')) {
      throw new InvalidSetting('Usage: netalloc schemas [type]');
    }
    const all = everySchema();
    if (type === undefined) {
      line.print(JSON.stringify(all, null, 2));
      return 0;
    }
    // An event of a project and the command that leads to it have the same name.
    const found = Object.entries(all).filter(([, of]) => Object.hasOwn(of, type));
    if (found.length === 0) {
      const types = Object.values(all).flatMap((of) => Object.keys(of));
      throw new InvalidSetting(`there is no type "${type}"; there are ${types.join(', ')}`);
    }
    const named = Object.fromEntries(found.map(([group, of]) => [group, { [type]: of[type] }]));
    line.print(JSON.stringify(named, null, 2));
    return 0;
  },
};

function everySchema(): Readonly<Record<string, Schemas>> {
  return {
    events: jsonSchemas(eventSchemas),
    metadata: jsonSchemas({ EventMetadata: eventMetadata }),
    commands: jsonSchemas(commandSchemas(claimsFor(undefined) as ClaimKind)),
    replies: jsonSchemas({ [REPLY_TYPE]: claimReply }),
  };
}

function jsonSchemas(of: Readonly<Record<string, z.ZodType>>): Schemas {
  const options = { io: 'input', unrepresentable: 'any' } as const;
  return Object.fromEntries(
    Object.entries(of).map(([type, schema]) => [type, z.toJSONSchema(schema, options)]),
  );
}
