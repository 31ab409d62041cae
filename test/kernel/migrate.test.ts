import { kernelGroup } from "./group.js";
import { migrateSteps } from "./steps.js";

kernelGroup({
  name: "keepalived to holdfast, in place",
  program: "migrate.ts",
  steps: Object.values(migrateSteps),
  timeoutMs: 400_000,
});
