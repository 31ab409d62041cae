import { kernelGroup } from "./group.js";
import { hostileSteps } from "./steps.js";

kernelGroup({
  name: "a kernel that lacks something, loses answers, or has somebody else in it",
  program: "hostile.ts",
  steps: Object.values(hostileSteps),
  timeoutMs: 800_000,
});
