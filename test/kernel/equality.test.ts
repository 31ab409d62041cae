import { equalityCases } from "./equality/cases.js";
import { mutantStep, mutants } from "./equality/mutants.js";
import { kernelGroup } from "./group.js";

/** Each is compared at every moment of equality/moments.ts. */
kernelGroup({
  name: "ipvsadm -Sn after holdfast equals ipvsadm -Sn after keepalived",
  program: "equality.ts",
  steps: [...equalityCases.map(({ name }) => name), ...mutants.map(mutantStep)],
  timeoutMs: 900_000,
  also: ["nginx", "exim4", "unbound"],
});
