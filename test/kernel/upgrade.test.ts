import { kernelGroup } from "./group.js";
import { upgradeSteps } from "./steps.js";

kernelGroup({
  name: "another version of holdfast, in place",
  program: "upgrade.ts",
  steps: Object.values(upgradeSteps),
  timeoutMs: 500_000,
});
