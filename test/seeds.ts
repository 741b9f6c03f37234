import fc from 'fast-check';

/**
 * What random tests begin with. It is the same in every run, so that a run fails for what was
 * changed and not by chance; `npm run explore` begins elsewhere each time and says where.
 */
export const SEED = Number(process.env.SEED ?? 1);

fc.configureGlobal({ seed: SEED });
