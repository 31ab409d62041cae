import { kernelGroup } from "./group.js";
import { linkSteps } from "./steps.js";

kernelGroup({
  name: "VLAN, bond and VRF",
  program: "links.ts",
  steps: Object.values(linkSteps),
  timeoutMs: 500_000,
});
