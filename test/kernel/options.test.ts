import { kernelGroup } from "./group.js";
import { optionCases } from "./option-cases.js";

kernelGroup({
  name: "what ipvsadm shows with holdfast equals what it shows with keepalived",
  program: "options.ts",
  steps: optionCases.map(({ name }) => name),
  timeoutMs: 600_000,
});
