// Mutation tests run each property hundreds of times, so properties use one seed, fewer cases and no shrinking.
import fc from 'fast-check';

fc.configureGlobal({ seed: 1, numRuns: 30, endOnFailure: true });
