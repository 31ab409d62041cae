import { createRequire } from "node:module";

const manifest: unknown = createRequire(import.meta.url)("../../../package.json");

/** Of this package, as npm knows it. */
export const version: string =
  typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "unknown";
