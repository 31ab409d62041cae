import { kernelGroup } from "./group.js";
import { groupMarkSteps } from "./steps.js";

kernelGroup({
  name: "nftables_ipvs: one service of a mark for all addresses of a group",
  program: "group-marks.ts",
  steps: Object.values(groupMarkSteps),
  also: ["iptables"],
  timeoutMs: 400_000,
});
