import { z } from 'zod';
import { durationMs } from '../ledger/durations.ts';
import { limits } from '../limits.ts';
import { type ProjectGeneration, ROLES, type Role } from './identity.ts';

const scope = z.string().min(1).max(253);
const scopes = z.array(scope).max(limits.tokenScopesMax);

/** Whose name events carry as the actor. */
export const subjectName = z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, {
  message: 'must be a DNS name',
});

const duration = z.string().refine((text) => (durationMs(text) ?? 0) > 0, {
  message: 'must be a duration such as 720h',
});

/** Which roles are limited to projects or to locations, and which have to be. */
const SCOPES = {
  projects: { needed: ['compute'], taken: ['compute', 'provider'] },
  locations: { needed: ['provider'], taken: ['provider'] },
} as const;

/** What is asked for by who wants a token to be made. A limit that would be none is refused. */
export const tokenRequest = z
  .strictObject({
    subject: subjectName,
    role: z.enum(ROLES),
    projects: scopes.default([]).describe('By name: a token is for their present lives.'),
    locations: scopes.default([]),
    expires: duration.optional().describe('Such as 720h; the token is good for ever without it.'),
  })
  .superRefine(({ role, ...given }, context) => {
    for (const field of ['projects', 'locations'] as const) {
      const { needed, taken }: Record<'needed' | 'taken', readonly Role[]> = SCOPES[field];
      const isGiven = given[field].length > 0;
      const problem =
        !isGiven && needed.includes(role)
          ? `a token of role ${role} needs some`
          : isGiven && !taken.includes(role) && `a token of role ${role} is not limited to any`;
      if (problem) context.addIssue({ code: 'custom', message: problem, path: [field] });
    }
  });
export type TokenRequest = z.infer<typeof tokenRequest>;

/** What a token is made with. */
export interface TokenGrant {
  readonly subject: string;
  readonly role: Role;
  readonly projects: readonly ProjectGeneration[];
  readonly locations: readonly string[];
  readonly expiresAt: Date | undefined;
}

/** The grant that is asked for, with the projects' present lives. */
export function grantOf(
  { subject, role, locations, expires }: TokenRequest,
  projects: readonly ProjectGeneration[],
  now: Date,
): TokenGrant {
  const ms = expires === undefined ? undefined : durationMs(expires);
  const expiresAt = ms === undefined ? undefined : new Date(now.getTime() + ms);
  return { subject, role, projects, locations, expiresAt };
}

/** A token as those see it who manage them: without anything that could be tried. */
export interface ShownToken {
  readonly id: string;
  readonly subject: string;
  readonly role: Role;
  readonly projects: readonly ProjectGeneration[];
  readonly locations: readonly string[];
  readonly createdAt: string;
  /** Null for one that does not end by itself. */
  readonly expiresAt: string | null;
}

/** By which the tokens of a service are managed. What is done holds at once. */
export interface TokenAdmin {
  list(): readonly ShownToken[];
  /** Makes a token. Its text is to be had this once. */
  add(grant: TokenGrant): Promise<{ readonly text: string; readonly token: ShownToken }>;
  /** Revokes a token; undefined when there is none of that id. */
  remove(id: string): Promise<ShownToken | undefined>;
}
