import { kernelGroup } from "./group.js";
import { arrivalStep, lastingSteps, ways } from "./traffic-cases.js";

kernelGroup({
  name: "traffic by NAT, DR and tunnels",
  program: "traffic.ts",
  steps: [...ways.map(arrivalStep), ...Object.values(lastingSteps)],
  also: ["iptables"],
  timeoutMs: 800_000,
});
