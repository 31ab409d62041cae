import { test } from "node:test";
import { MemoryBackend } from "../../main/ipvs/memory-backend.js";
import { contractCases } from "../harness/ipvs-contract.js";

/** The same cases run against the kernel in test/kernel. */
for (const { name, run } of contractCases) test(`memory back end: ${name}`, () => run(new MemoryBackend()));
