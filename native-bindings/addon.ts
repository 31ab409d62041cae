import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** build/Release/holdfast.node, next to dist/ (or to the sources under test). */
const file = fileURLToPath(new URL("../../build/Release/holdfast.node", import.meta.url));

/**
 * The add-on's raw exports; loaded once for each thread.
 * @throws Error (code ERR_DLOPEN_FAILED or MODULE_NOT_FOUND) when it is not built or built for another Node ABI.
 */
export const loadAddon = (): unknown => createRequire(import.meta.url)(file);
