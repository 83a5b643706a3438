import type { ErrorCode } from '@gravity/contracts';

/** The bounded label of the claims counter. */
export type ClaimOutcome = 'accepted' | 'replayed' | 'aborted' | ErrorCode;
