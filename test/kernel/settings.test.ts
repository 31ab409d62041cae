import { kernelGroup } from "./group.js";
import { settingsSteps } from "./steps.js";

kernelGroup({
  name: "sync daemons and timeouts of IPVS",
  program: "settings.ts",
  steps: Object.values(settingsSteps),
  timeoutMs: 800_000,
});
