import { getSystemErrorName } from "node:util";

/** Why a daemon does not start, and what to do. */
export const namespaceSentence = (name: string, errno: number): string =>
  `Unable to set network namespace ${name}: ${getSystemErrorName(-errno)} - 'ip netns' lists those that exist, and entering one needs CAP_SYS_ADMIN`;
