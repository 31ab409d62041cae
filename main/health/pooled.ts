import type { CheckConfig } from "../config/model.js";
import type { ServerCheckConfig } from "../config/model-checks.js";

/** Made by the threads of the pool, at times of its own. The others are told (main/control/file-checks.ts). */
export const isPooled = (check: ServerCheckConfig): check is CheckConfig =>
  check.type !== "FILE_CHECK" && check.type !== "BFD_CHECK";
