import { spawn } from "node:child_process";
import type { RunTool } from "./iptables.js";

/** iptables waits for its lock (`-w`); what takes longer than this hangs. */
const TIMEOUT_MS = 30_000;
const NOT_FOUND = 127;

/** In a process of its own, and in English, as its sentences go into our log. */
export const runTool: RunTool = ([program, ...args], input) =>
  new Promise((resolve) => {
    const env = { PATH: process.env["PATH"] ?? "/usr/sbin:/sbin:/usr/bin:/bin", LC_ALL: "C" };
    const child = spawn(program, args, { env, timeout: TIMEOUT_MS, killSignal: "SIGKILL" });
    let [output, errors] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    child.on("error", (error) => resolve({ code: NOT_FOUND, output, errors: error.message }));
    child.on("close", (code) => resolve({ code: code ?? -1, output, errors }));
    child.stdin.on("error", () => undefined); // it ended without reading: its exit code says why
    child.stdin.end(input);
  });
