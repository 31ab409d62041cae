import { setFlagsFromString } from "node:v8";

/** V8's own. */
const USUAL_BUDGET = 67_584;

/**
 * The launcher has V8 optimize late: a start is over before it would have paid, and on one processor the compiler takes its time from
 * it. From now on functions are optimized as soon as V8 thinks fit. Holds for all threads.
 */
export const compileAsUsual = (): void => setFlagsFromString(`--interrupt-budget=${USUAL_BUDGET}`);
