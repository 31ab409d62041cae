import { kernelGroup } from "./group.js";
import { equalitySteps } from "./steps.js";

kernelGroup({
  name: "ipvsadm -Sn after holdfast equals ipvsadm -Sn after keepalived",
  program: "equality.ts",
  steps: Object.values(equalitySteps),
  timeoutMs: 180_000,
});
