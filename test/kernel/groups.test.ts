import { kernelGroup } from "./group.js";
import { groupSteps } from "./steps.js";

kernelGroup({
  name: "virtual_server_group: ipvsadm -Sn after holdfast equals ipvsadm -Sn after keepalived",
  program: "groups.ts",
  steps: Object.values(groupSteps),
  timeoutMs: 500_000,
});
