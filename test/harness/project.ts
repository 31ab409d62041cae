import path from "node:path";

/** The checkout; this file runs as `dist/test/harness/project.js`. */
export const projectRoot = path.resolve(import.meta.dirname, "../../..");

/** A compiled file by the path of its source below the checkout. */
export function compiled(source: string): string {
  return path.join(projectRoot, "dist", source.replace(/\.ts$/, ".js"));
}
