// Injection tokens that bootServices provides to every module.
import type { Problem } from '@gravity/contracts';

/** The process' {@link AppLogger}. */
export const APP_LOGGER = Symbol('gravity.logger');
/** The environment that the process was started with: `Environment` of the kernel. */
export const APP_ENVIRONMENT = Symbol('gravity.environment');
/** Turns an infrastructure error into a problem, or undefined when it is a bug. */
export const ERROR_CLASSIFIER = Symbol('gravity.error-classifier');

export type ErrorClassifier = (error: unknown) => Problem | undefined;
