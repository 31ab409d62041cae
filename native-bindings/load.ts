import { loadAddon } from "./addon.js";

/**
 * The add-on's raw exports; only the typed faces beside this file touch them.
 * @throws Error when the add-on cannot be loaded: see addon.ts.
 */
export const native: unknown = loadAddon();
