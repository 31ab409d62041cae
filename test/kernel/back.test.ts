import { kernelGroup } from "./group.js";
import { backSteps } from "./steps.js";

kernelGroup({
  name: "holdfast to keepalived",
  program: "back.ts",
  steps: Object.values(backSteps),
  timeoutMs: 400_000,
});
