/** What somebody may be. What each may do stands in `http/auth/permissions.ts`. */
export const ROLES = ['operator', 'auditor', 'compute', 'provider'] as const;
export type Role = (typeof ROLES)[number];

/** One life of a project: a project of the same name that is made later is another one. */
export interface ProjectGeneration {
  readonly name: string;
  /** Of its Namespace. */
  readonly uid: string;
}

/** Who sends a request. */
export interface Identity {
  readonly issuer: string;
  readonly subject: string;
  readonly role: Role;
  readonly projects: readonly ProjectGeneration[];
  readonly locations: readonly string[];
  /** Runs a handler once when the identity is no longer good. Gives the way to leave that. */
  whenEnded(handler: () => void): () => void;
}
